#include "flexmig/base/thread.h"

#include <csignal>

#include <gtest/gtest.h>
#include <pthread.h>

namespace flexmig {
namespace {

bool IsBlocked(int signal) {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return ::sigismember(&mask, signal) == 1;
}

TEST(ThreadTest, StartedOnesGetNoSignalsAndTheCallerKeepsItsOwn) {
  ASSERT_FALSE(IsBlocked(SIGTERM));
  bool blocked = false;
  auto thread = StartThread("flexmig-test", "thread of a test",
                            [&] { blocked = IsBlocked(SIGTERM) && IsBlocked(SIGINT); });
  ASSERT_TRUE(thread.ok()) << thread.status().ToString();
  thread->join();
  EXPECT_TRUE(blocked);
  EXPECT_FALSE(IsBlocked(SIGTERM));
}

}  // namespace
}  // namespace flexmig
