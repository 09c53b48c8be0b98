#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leaf_ranks.h"

// Ranks on leaves that are killed, stopped or abort: what the others get, that their streams go on,
// and when.
namespace flexmig::multiproc {
namespace {

using coll::DataType;
using device::Operation;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kDeathBound(kSanitized ? 5000 : 1000);
constexpr milliseconds kAbortBound(kSanitized ? 2000 : 100);

// Reduces again and again until an error comes, and reports it. `in_flight` operations are in the
// stream at a time.
DeviceBody ReduceUntilError(size_t count) {
  return [count](DeviceCommunicator& communicator, RankReport& report) {
    const DeviceBuffer data(count * sizeof(float));
    const UserStream stream;
    Operation operation;
    operation.send = operation.receive = data.data();
    operation.count = count;
    for (uint64_t call = 1;; ++call) {
      Status status;
      for (int i = 0; i < 3 && status.ok(); ++i) {
        status = communicator.Enqueue(operation, stream.get());
      }
      stream.Synchronize();
      if (status.ok()) status = communicator.status();
      if (!status.ok()) {
        report.Fail(communicator.status());
        EXPECT_EQ(communicator.Enqueue(operation, stream.get()), communicator.status());
        return;
      }
      report.progress.store(call);
    }
  };
}

class DeviceFailureTest : public testing::TestWithParam<size_t> {
 protected:
  const LeafNode node_{"a100x1"};
};
// In bounce memory, and in the pipeline.
INSTANTIATE_TEST_SUITE_P(Counts, DeviceFailureTest, testing::Values(10, 1'000'000),
                         testing::PrintToStringParamName());

TEST_P(DeviceFailureTest, PeersOfAKilledRankGetAnErrorThatNamesItAndTheirStreamsGoOn) {
  constexpr int kRanks = 4;
  SplitMix64 random(GetParam());
  for (int round = 0; round < 4; ++round) {
    RankProcesses ranks(kRanks,
                        OnLeaves(node_, RandomHex(16), kRanks, ReduceUntilError(GetParam())));
    ranks.AwaitProgress(round, 1 + random.NextBelow(3));
    ::usleep(static_cast<useconds_t>(random.NextBelow(10'000)));
    const auto killed = ranks.Signal(round, SIGKILL);
    for (int rank = 0; rank < kRanks; ++rank) {
      if (rank == round) continue;
      ASSERT_TRUE(ranks.Succeeded(rank));
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
      EXPECT_THAT(status.message(),
                  HasSubstr(StrCat("rank ", round, " (process ", ranks.process(round), ") died")));
      EXPECT_LT(Delay(ranks.report(rank), killed), kDeathBound);
    }
  }
}

TEST_P(DeviceFailureTest, PeersOfAStoppedRankTimeOutAndNameIt) {
  constexpr int kRanks = 3;
  constexpr milliseconds kTimeout(1000);
  RankProcesses ranks(
      kRanks, OnLeaves(node_, RandomHex(16), kRanks, ReduceUntilError(GetParam()), {}, kTimeout));
  ranks.AwaitProgress(1, 2);
  const auto stopped = ranks.Signal(1, SIGSTOP);
  for (const int rank : {0, 2}) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr("rank 1 (process"));
    EXPECT_LT(Delay(ranks.report(rank), stopped), kTimeout + kDeathBound);
  }
  ranks.Signal(1, SIGCONT);
  EXPECT_TRUE(ranks.Succeeded(1));
}

TEST_P(DeviceFailureTest, AbortFromAWatchdogEndsEveryRankAtOnce) {
  constexpr int kRanks = 3;
  const size_t count = GetParam();
  RankProcesses ranks(kRanks, OnLeaves(node_, RandomHex(16), kRanks,
                                       [&](DeviceCommunicator& communicator, RankReport& report) {
                                         if (communicator.rank() != 2) {
                                           ReduceUntilError(count)(communicator, report);
                                           return;
                                         }
                                         // Rank 2 never calls, and its watchdog ends the wait of
                                         // the others.
                                         std::thread watchdog([&] {
                                           std::this_thread::sleep_for(milliseconds(200));
                                           report.progress.store(static_cast<uint64_t>(
                                               Clock::now().time_since_epoch().count()));
                                           communicator.Abort("watchdog");
                                         });
                                         watchdog.join();
                                         report.Fail(communicator.status());
                                       }));
  for (int rank = 0; rank < kRanks; ++rank) ASSERT_TRUE(ranks.Succeeded(rank));
  const Clock::time_point aborted{
      Clock::duration(static_cast<int64_t>(ranks.report(2).progress.load()))};
  for (int rank = 0; rank < kRanks; ++rank) {
    EXPECT_EQ(ranks.report(rank).status().code(), StatusCode::kAborted);
    EXPECT_THAT(ranks.report(rank).status().message(), HasSubstr("rank 2 aborted: watchdog"));
    EXPECT_LT(Delay(ranks.report(rank), aborted), kAbortBound);
  }
}

}  // namespace
}  // namespace flexmig::multiproc
