#include "flexmig/base/thread.h"

#include <system_error>
#include <utility>

#include <pthread.h>

#include "flexmig/base/strings.h"

namespace flexmig {

BlockedSignals::BlockedSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

BlockedSignals::~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Result<std::thread> StartThread(const char* name, std::string_view what,
                                std::function<void()> work) {
  const BlockedSignals blocked;
  try {
    std::thread thread(std::move(work));
    if (name != nullptr) ::pthread_setname_np(thread.native_handle(), name);
    return thread;
  } catch (const std::system_error& error) {
    return ResourceExhaustedError(StrCat(what, ": ", error.what()));
  }
}

}  // namespace flexmig
