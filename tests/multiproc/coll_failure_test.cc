#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "rank_processes.h"

// Ranks that are killed, stopped, abort or leave: what the others get, and when.
namespace flexmig::multiproc {
namespace {

using coll::Communicator;
using coll::ReduceOp;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// Reduces `count` floats again and again until an error comes, and reports it.
void ReduceUntilError(Communicator& communicator, size_t count, RankReport& report) {
  std::vector<float> data(count, 1.0f);
  for (uint64_t call = 1;; ++call) {
    const Status status = communicator.AllReduce(std::span(data), ReduceOp::kMax);
    if (!status.ok()) {
      report.Fail(status);
      EXPECT_EQ(communicator.Barrier(), status);  // the same for ever
      return;
    }
    report.progress.store(call);
  }
}

RankProcesses::Body ReducingRanks(const std::string& rendezvous, int world_size, size_t count,
                                  milliseconds timeout) {
  return [=](int rank, RankReport& report) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, world_size, timeout));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    ReduceUntilError(**communicator, count, report);
  };
}

// The promised second, where the code runs at its own speed.
constexpr milliseconds kDeathBound(kSanitized ? 5000 : 1000);

class KilledRankTest : public testing::TestWithParam<size_t> {};
// One-shot calls, and calls of some 30 ms in which the kill falls into the pipeline.
INSTANTIATE_TEST_SUITE_P(Counts, KilledRankTest, testing::Values(2, 50'000, 2'000'000),
                         testing::PrintToStringParamName());

TEST_P(KilledRankTest, PeersGetAnErrorThatNamesItWithinASecond) {
  constexpr int kRanks = 4;
  SplitMix64 random(GetParam());
  for (int round = 0; round < (kSanitized ? 4 : 8); ++round) {
    const int victim = round % kRanks;
    RankProcesses ranks(kRanks,
                        ReducingRanks(RandomHex(16), kRanks, GetParam(), std::chrono::seconds(60)));
    ranks.AwaitProgress(victim, 1 + random.NextBelow(5));
    ::usleep(static_cast<useconds_t>(random.NextBelow(10'000)));
    const auto killed = ranks.Signal(victim, SIGKILL);
    for (int rank = 0; rank < kRanks; ++rank) {
      if (rank == victim) continue;
      ASSERT_TRUE(ranks.Succeeded(rank));
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
      EXPECT_THAT(status.message(), HasSubstr(StrCat("rank ", victim, " (process ",
                                                     ranks.process(victim), ") died")));
      EXPECT_EQ(status, ranks.report(victim == 0 ? 1 : 0).status());
      EXPECT_LT(Delay(ranks.report(rank), killed), kDeathBound);
    }
  }
}

TEST(StoppedRankTest, PeersTimeOutNeitherEarlyNorLateAndNameIt) {
  constexpr int kRanks = 3;
  constexpr milliseconds kTimeout(600);
  for (const size_t count : {2u, 400'000u}) {
    RankProcesses ranks(kRanks, ReducingRanks(RandomHex(16), kRanks, count, kTimeout));
    ranks.AwaitProgress(1, 3);
    const auto stopped = ranks.Signal(1, SIGSTOP);
    for (const int rank : {0, 2}) {
      ASSERT_TRUE(ranks.Succeeded(rank));
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
      EXPECT_THAT(status.message(),
                  AllOf(HasSubstr("rank 1 (process"), HasSubstr("did not arrive within 600 ms")));
      // The wait may have begun before the stop, if rank 1 was late on a busy machine.
      EXPECT_GT(Delay(ranks.report(rank), stopped), kTimeout / 2);
      EXPECT_LT(Delay(ranks.report(rank), stopped), kTimeout + kDeathBound);
    }
    // The late one learns the same when it goes on.
    ranks.Signal(1, SIGCONT);
    ASSERT_TRUE(ranks.Succeeded(1));
    EXPECT_EQ(ranks.report(1).status(), ranks.report(0).status());
  }
}

TEST(AbortTest, FromAnotherThreadEndsEveryRankAtOnce) {
  constexpr int kRanks = 3;
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(kRanks, [&](int rank, RankReport& report) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, kRanks));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    if (rank == 2) {
      // Rank 2's watchdog aborts while ranks 0 and 1 sleep in a call that rank 2 does not make.
      std::thread watchdog([&] {
        std::this_thread::sleep_for(milliseconds(100));
        report.progress.store(static_cast<uint64_t>(Clock::now().time_since_epoch().count()));
        (*communicator)->Abort("watchdog");
      });
      watchdog.join();
      report.Fail((*communicator)->Barrier());
      return;
    }
    ReduceUntilError(**communicator, 10, report);
  });
  for (int rank = 0; rank < kRanks; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    EXPECT_EQ(ranks.report(rank).status(), AbortedError("rank 2 aborted: watchdog"));
  }
  const Clock::time_point aborted{
      Clock::duration(static_cast<int64_t>(ranks.report(2).progress.load()))};
  // 100 ms are promised; the rest is for a busy machine.
  for (const int rank : {0, 1}) EXPECT_LT(Delay(ranks.report(rank), aborted), milliseconds(1000));
}

// A rank that is done goes at once, with or without destroying its communicator, while its peers
// still copy. What they have must stay good.
TEST(FinishedRankTest, PeersCompleteWhatTheFinishedRankCompleted) {
  constexpr int kRanks = 3;
  for (int round = 0; round < (kSanitized ? 6 : 30); ++round) {
    const std::string rendezvous = RandomHex(16);
    RankProcesses ranks(kRanks, [&](int rank, RankReport&) {
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, kRanks));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      std::vector<float> data(300'000, static_cast<float>(rank));
      ASSERT_EQ((*communicator)->AllReduce(std::span(data), ReduceOp::kSum), OkStatus());
      if (rank == round % kRanks) ::_exit(0);  // leaves everything to the kernel
      ASSERT_EQ(data, std::vector<float>(300'000, 3.0f));
    });
    for (int rank = 0; rank < kRanks; ++rank) ASSERT_TRUE(ranks.Succeeded(rank)) << round;
  }
}

TEST(FinishedRankTest, CallThatNeedsItNamesIt) {
  for (const bool destroys : {false, true}) {
    const std::string rendezvous = RandomHex(16);
    RankProcesses ranks(2, [&](int rank, RankReport& report) {
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 2));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      ASSERT_EQ((*communicator)->Barrier(), OkStatus());
      if (rank == 1 && !destroys) ::_exit(0);
      if (rank == 1) return;
      report.Fail((*communicator)->Barrier());
    });
    ASSERT_TRUE(ranks.Succeeded(1));
    ASSERT_TRUE(ranks.Succeeded(0));
    const Status status = ranks.report(0).status();
    EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr("rank 1 (process"), HasSubstr("call 2, Barrier()"),
                      HasSubstr(destroys ? "destroyed its communicator" : "died")));
  }
}

// The destructor must not wait for peers that are stopped, dead or in the middle of a call.
TEST(DestroyTest, NeverWaits) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(3, [&](int rank, RankReport& report) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 3));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    report.progress.store(1);
    if (rank == 1) ::pause();
    if (rank == 2) ReduceUntilError(**communicator, 10, report);
    if (rank == 0) {
      ::usleep(100'000);
      const auto begin = Clock::now();
      communicator->reset();
      EXPECT_LT(Clock::now() - begin, milliseconds(1000));
    }
  });
  ranks.AwaitProgress(1, 1);
  ranks.Signal(1, SIGSTOP);
  EXPECT_TRUE(ranks.Succeeded(0));
  EXPECT_TRUE(ranks.Succeeded(2));
  EXPECT_THAT(ranks.report(2).status().message(), HasSubstr("rank 0 (process"));
}

// A helper forked by a rank after Create shares nothing with it: neither does the helper's end end
// the communicator, nor does its life keep a dead rank alive.
TEST(ForkedHelperTest, IsNoPartOfTheRank) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(2, [&](int rank, RankReport& report) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 2));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    for (int round = 0; round < 3; ++round) {
      const pid_t helper = ::fork();
      if (helper == 0) {
        communicator->reset();
        ::_exit(0);
      }
      ASSERT_EQ(::waitpid(helper, nullptr, 0), helper);
      ASSERT_EQ((*communicator)->Barrier(), OkStatus());
    }
    if (rank == 1) {
      const pid_t helper = ::fork();
      if (helper == 0) {
        ::alarm(20);
        ::pause();
      }
      report.progress.store(static_cast<uint64_t>(helper));
      ::raise(SIGKILL);
    }
    report.Fail((*communicator)->Barrier());
  });
  ASSERT_TRUE(ranks.Succeeded(0));
  EXPECT_THAT(ranks.report(0).status().message(), HasSubstr("rank 1 (process"));
  const auto helper = static_cast<pid_t>(ranks.report(1).progress.load());
  ASSERT_GT(helper, 0);
  EXPECT_EQ(::kill(helper, SIGKILL), 0);  // it was still there
}

}  // namespace
}  // namespace flexmig::multiproc
