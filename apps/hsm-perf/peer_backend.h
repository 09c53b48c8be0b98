#pragma once

#include <memory>

#include "flexmig/base/status.h"

#include "rank.h"

namespace flexmig::perf {

// Both are defined once in each hsm-perf-<peer>: by mpi_backend.cc or gloo_backend.cc.

// The rank of this process, which was started as `argv` of worker_main.cc says. Starts the library
// if that is how it is learnt.
Result<int> RankOfThisProcess(int argc, char** argv);

// The peer's ranks of `membership`; its errors come as kInternal, naming the library's function.
Result<std::unique_ptr<Backend>> MakePeerBackend(const Membership& membership,
                                                 const GroupConfig& config);

}  // namespace flexmig::perf
