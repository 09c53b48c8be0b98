#pragma once

#include "library.h"
#include "options.h"

namespace flexmig::perf {

// Does what `options` ask for with `ours` as the library to measure, prints results to stdout and
// errors to stderr, and returns the program's exit code.
[[nodiscard]] int RunApp(const Options& options, const Library& ours);

}  // namespace flexmig::perf
