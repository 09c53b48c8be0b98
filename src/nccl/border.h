#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/types.h"

#include "comm.h"

namespace flexmig::nccl {

// The last error of this process, as ncclGetLastError(NULL) tells it: a warning in the log too.
void NoteError(const char* function, const Status& status) noexcept;
// As of NoteError, "" if there was none. Valid until this thread's next call.
[[nodiscard]] const char* LastError();
[[nodiscard]] const char* KeepForThread(std::string text);

// The communicator behind a handle. Errors: kInvalidArgument for null and for handles that are of
// none; kFailedPrecondition for one that was made before this process was forked.
Result<std::shared_ptr<Comm>> FindComm(ncclComm_t handle);

[[nodiscard]] ncclResult_t EndCall(const char* function, const Status& status) noexcept;

// The border of every function of the C interface that returns a result: runs `body`, which returns
// a Status or a Result<ncclResult_t>, and lets nothing out.
template <typename Body>
ncclResult_t Border(const char* function, const Body& body) noexcept {
  try {
    Result<ncclResult_t> result = [&]() -> Result<ncclResult_t> {
      if constexpr (std::is_same_v<decltype(body()), Status>) {
        FLEXMIG_RETURN_IF_ERROR(body());
        return ncclSuccess;
      } else {
        return body();
      }
    }();
    return result.ok() ? *result : EndCall(function, result.status());
  } catch (const std::bad_alloc&) {
    return ncclSystemError;
  } catch (const std::exception&) {
    return ncclInternalError;
  } catch (...) {
    return ncclInternalError;
  }
}

}  // namespace flexmig::nccl
