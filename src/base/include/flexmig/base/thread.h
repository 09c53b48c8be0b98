#pragma once

#include <csignal>
#include <functional>
#include <string_view>
#include <thread>

#include "flexmig/base/status.h"

namespace flexmig {

// All signals blocked in this thread while it lives. Threads that are started meanwhile inherit
// that: libraries' threads leave signals to the program's own.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

// A thread with all signals blocked. `name` is what tools show, at most 15 characters; null: the
// program's. Errors: kResourceExhausted "<what>: ..." if none can be had.
Result<std::thread> StartThread(const char* name, std::string_view what,
                                std::function<void()> work);

}  // namespace flexmig
