#pragma once

#include "flexmig/base/status.h"

namespace flexmig::app {

// The exit codes of every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitNegative = 1;     // a failed job, a negative answer, a bug of ours
inline constexpr int kExitUsage = 2;        // the call has to be fixed
inline constexpr int kExitNoResources = 3;  // not now
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitUnavailable = 5;  // or timed out
inline constexpr int kExitPermission = 6;

// The exit code of a command that ends with `code`.
int ExitCodeOf(StatusCode code);

// Prints "flexmig: <message>" to stderr unless `status` is ok, and returns its exit code.
int Report(const Status& status);

}  // namespace flexmig::app
