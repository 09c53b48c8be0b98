#pragma once

#include <nlohmann/json.hpp>

namespace flexmig::perf {

// The value of "format" in every JSON file of ours.
inline constexpr const char* kFileFormat = "hsm-perf/1";

// What a measurement depends on, as texts: cpu, cpus (that this process may use), kernel, compiler,
// flexmig, date (UTC, to the minute).
[[nodiscard]] nlohmann::json DescribeMachine();

}  // namespace flexmig::perf
