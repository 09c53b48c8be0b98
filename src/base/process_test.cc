#include "flexmig/base/process.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flexmig {
namespace {

TEST(ProcessTest, PidFdSeesAZombieAsEnded) {
  const pid_t child = ::fork();
  if (child == 0) ::pause();
  const auto pidfd = OpenPidFd(child);
  ASSERT_TRUE(pidfd.ok());
  EXPECT_FALSE(HasExited(*pidfd));
  ::kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(::kill(child, 0), 0) << "a zombie still takes signals";
  EXPECT_TRUE(HasExited(*pidfd));
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(OpenPidFd(child).status().code(), StatusCode::kNotFound);
}

TEST(ProcessTest, StartTicksTellProcessesApart) {
  const auto self = ProcessStartTicks(::getpid());
  ASSERT_TRUE(self.ok());
  EXPECT_GT(*self, *ProcessStartTicks(1));
  EXPECT_EQ(*self, *ProcessStartTicks(::getpid()));
  EXPECT_EQ(ProcessStartTicks(1 << 22).status().code(), StatusCode::kNotFound);
}

TEST(ProcessTest, DescendantsIncludeGrandchildren) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::pause();
      ::_exit(0);
    }
    static_cast<void>(!::write(ready[1], &grandchild, sizeof grandchild));
    ::pause();
    ::_exit(0);
  }
  pid_t grandchild = 0;
  ASSERT_EQ(::read(ready[0], &grandchild, sizeof grandchild),
            static_cast<ssize_t>(sizeof grandchild));
  EXPECT_EQ(DescendantsOf(::getpid()), (std::vector<pid_t>{child, grandchild}));
  ::kill(grandchild, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace flexmig
