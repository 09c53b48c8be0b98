#include "border.h"

#include <mutex>
#include <utility>

#include "flexmig/base/strings.h"

#include "debug_log.h"
#include "handles.h"
#include "result.h"

namespace flexmig::nccl {
namespace {

struct Last {
  std::mutex mutex;
  std::string text;
};

Last& LastOfProcess() {
  static Last& last = *new Last;  // never destroyed: other threads may still fail
  return last;
}

}  // namespace

void NoteError(const char* function, const Status& status) noexcept {
  try {
    const std::string text = StrCat(function, ": ", status.message());
    LogWarn(-1, text);
    Last& last = LastOfProcess();
    const std::lock_guard lock(last.mutex);
    last.text = text;
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory for a text; the code is told anyway
  }
}

const char* KeepForThread(std::string text) {
  thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}

const char* LastError() {
  Last& last = LastOfProcess();
  std::string text;
  {
    const std::lock_guard lock(last.mutex);
    text = last.text;
  }
  return KeepForThread(std::move(text));
}

Result<std::shared_ptr<Comm>> FindComm(ncclComm_t handle) {
  if (handle == NCCL_COMM_NULL) return InvalidArgumentError("the communicator is null");
  auto comm = Handles::Get().Find(handle);
  if (comm == nullptr) {
    return InvalidArgumentError(
        "the communicator is none: it was destroyed or aborted, or never made");
  }
  if (!comm->is_own()) {
    return FailedPreconditionError(
        "the communicator was made before this process was forked, and is its parent's");
  }
  return comm;
}

ncclResult_t EndCall(const char* function, const Status& status) noexcept {
  NoteError(function, status);
  return ToResult(status.code());
}

}  // namespace flexmig::nccl
