#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig {

// The value of an environment variable; an empty value counts as unset.
[[nodiscard]] std::optional<std::string> GetEnv(const char* name);

// As GetEnv, parsed strictly. Unset gives `fallback`; a value that does not parse, or lies outside
// [min, max], is kInvalidArgument naming the variable.
Result<int64_t> GetEnvInt(const char* name, int64_t fallback, int64_t min, int64_t max);

// "250ms", "2s", "30min", "1h"; a bare number is not a duration. Errors: kInvalidArgument.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
Result<std::chrono::milliseconds> GetEnvDuration(const char* name,
                                                 std::chrono::milliseconds fallback);

}  // namespace flexmig
