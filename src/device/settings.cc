#include "settings.h"

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

namespace flexmig::device {

Result<Settings> Settings::FromEnvironment() {
  Settings settings;
  FLEXMIG_ASSIGN_OR_RETURN(
      const int64_t small_bytes,
      GetEnvInt("FLEXMIG_SMALL_BYTES", static_cast<int64_t>(settings.small_bytes), 0,
                static_cast<int64_t>(kMaxSmallBytes)));
  settings.small_bytes = static_cast<size_t>(small_bytes);
  if (const auto small = GetEnv("FLEXMIG_SMALL"); small.has_value()) {
    if (*small == "kernel") {
      settings.small = SmallMovement::kKernel;
    } else if (*small == "copy") {
      settings.small = SmallMovement::kCopy;
    } else if (*small != "auto") {
      return InvalidArgumentError(
          StrCat("FLEXMIG_SMALL is '", *small, "', not kernel, copy or auto"));
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t nccl_checks, GetEnvInt("NCCL_CHECK_POINTERS", 0, 0, 1));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t checks,
                           GetEnvInt("FLEXMIG_CHECK_POINTERS", nccl_checks, 0, 1));
  settings.check_pointers = checks != 0;
  return settings;
}

}  // namespace flexmig::device
