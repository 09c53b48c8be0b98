#include "progress.h"

#include <array>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "flexmig/base/unique_fd.h"

namespace flexmig::app {
namespace {

using namespace std::chrono_literals;

TEST(ProgressLineTest, SaysShareRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine("flexmig", 2, 4, 500'000, 2'000'000, 5, 100),
            "2/4  [========>                       ]  25 %  500,000 of 2,000,000 jobs, 100,000 "
            "jobs/s, 15 s left");
  EXPECT_EQ(ProgressLine("flexmig", 1, 1, 32, 64, 1, 100),
            "1/1  [====================>                   ]  50 %  32 of 64 jobs, 32 jobs/s, 1 s "
            "left  flexmig");
}

TEST(ProgressLineTest, FitsIntoNarrowTerminals) {
  for (const int columns : {1, 2, 10, 40, 80, 200}) {
    EXPECT_LT(ProgressLine("static:7g.40gb", 1, 1, 999, 1000, 1, columns).size(),
              static_cast<size_t>(std::max(columns, 2)));
  }
}

TEST(ProgressLineTest, KnowsNoRateAtTheBeginning) {
  EXPECT_THAT(ProgressLine("flexmig", 1, 1, 0, 10, 0, 80),
              testing::HasSubstr("0 of 10 jobs, 0 jobs/s"));
}

// What is in the descriptor now.
std::string Drain(int fd) {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  return n > 0 ? std::string(buffer.data(), static_cast<size_t>(n)) : "";
}

TEST(ProgressTest, DrawsOnATerminalAndWipesItsLine) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const UniqueFd terminal(slave);
  const UniqueFd other_side(master);
  ASSERT_EQ(::fcntl(master, F_SETFL, O_NONBLOCK), 0);
  std::chrono::steady_clock::time_point now{};
  {
    Progress progress(slave, 1, 1000, [&now] { return now; });
    progress.Begin("flexmig");
    for (int i = 0; i < 320; ++i) ASSERT_TRUE(progress.OnFinish({}, 0).ok());
    EXPECT_EQ(Drain(master), "") << "nothing in the first half second";
    now += 1s;
    for (int i = 0; i < 32; ++i) ASSERT_TRUE(progress.OnReject({}, 0).ok());
    EXPECT_THAT(Drain(master), testing::HasSubstr("35 %  352 of 1,000 jobs, 352 jobs/s, 2 s left"));
  }
  EXPECT_EQ(Drain(master), "\r\x1b[K");
}

TEST(ProgressTest, SaysNothingToAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  std::chrono::steady_clock::time_point now{};
  {
    Progress progress(writer.get(), 1, 1000, [&now] { return now += 1s; });
    progress.Begin("flexmig");
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(progress.OnFinish({}, 0).ok());
  }
  EXPECT_EQ(Drain(reader.get()), "");
}

}  // namespace
}  // namespace flexmig::app
