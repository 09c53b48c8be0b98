#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/strings.h"

// The log that NCCL_DEBUG turns on, in NCCL's form:
//   host:process:thread [device] NCCL INFO text
// to standard output, or to the file that NCCL_DEBUG_FILE names. The only place where this library
// prints anything: users of NCCL look for it there.
namespace flexmig::nccl {

enum class LogLevel : uint8_t { kNone, kVersion, kWarn, kInfo, kTrace };

// What NCCL_DEBUG_SUBSYS chooses from. Only messages at INFO and TRACE belong to one.
enum class Subsystem : uint32_t {
  kInit = 1U << 0,
  kCollective = 1U << 1,
  kPointToPoint = 1U << 2,
  kEnvironment = 1U << 3,
  kBootstrap = 1U << 4,
  kCall = 1U << 5,
  kRegistration = 1U << 6,
  kAllocation = 1U << 7,
  kOther = 1U << 31,  // NCCL's that have no messages here
};

// From the environment, at the first use and after ReloadLog.
[[nodiscard]] LogLevel LevelOfLog();
void ReloadLog();
// Whether a message of `subsystem` at INFO is wanted.
[[nodiscard]] bool LogsInfo(Subsystem subsystem);

// `device`: ordinal of the CUDA device that it is about, or -1. Nothing is done if it is not
// wanted. Thread-safe; a message is one write.
void LogVersion();
void LogWarn(int device, std::string_view text);
void LogInfo(Subsystem subsystem, int device, std::string_view text);
void LogTrace(Subsystem subsystem, int device, std::string_view text);

// The bits of NCCL_DEBUG_SUBSYS; NCCL's own default, INIT, BOOTSTRAP and ENV, for "". "^" in front
// stands for all but those named. Names that NCCL does not have are left aside.
[[nodiscard]] uint32_t SubsystemsOf(std::string_view value);
// NCCL_DEBUG_FILE with %h and %p filled in and %% for a percent sign.
[[nodiscard]] std::string LogFileName(std::string_view pattern, std::string_view host,
                                      int64_t process);

}  // namespace flexmig::nccl
