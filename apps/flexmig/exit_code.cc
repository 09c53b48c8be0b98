#include "exit_code.h"

#include <cstdio>

namespace flexmig::app {

int ExitCodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return kExitOk;
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented: return kExitUsage;
    case StatusCode::kFailedPrecondition:
    case StatusCode::kResourceExhausted: return kExitNoResources;
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists: return kExitNotFound;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded: return kExitUnavailable;
    case StatusCode::kPermissionDenied: return kExitPermission;
    case StatusCode::kAborted:
    case StatusCode::kDataLoss:
    case StatusCode::kInternal: return kExitNegative;
  }
  return kExitNegative;
}

int Report(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "flexmig: %s\n", status.message().c_str());
  return ExitCodeOf(status.code());
}

}  // namespace flexmig::app
