#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "fake_mover.h"
#include "rank_processes.h"

// Ranks that are killed or stopped in collectives through a mover, whose copies come late.
namespace flexmig::multiproc {
namespace {

using coll::Communicator;
using coll::DataType;
using coll::FakeDeviceMemory;
using coll::FakeMover;
using coll::ReduceOp;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kRanks = 3;
constexpr size_t kCount = 200'000;  // 800 KB: some chunks

enum class What { kAllReduce, kAllGather, kExchange };

Status Call(Communicator& communicator, FakeDeviceMemory& memory, What what) {
  std::byte* const data = memory.base();
  if (what == What::kAllReduce) {
    return communicator.AllReduce(data, data, kCount, DataType::kFloat32, ReduceOp::kMax);
  }
  std::byte* const behind = data + kCount * 4;
  if (what == What::kAllGather) {
    return communicator.AllGather(data, behind, kCount, DataType::kFloat32);
  }
  const int rank = communicator.rank();
  const coll::Transfer group[] = {
      coll::Transfer::Send(data, kCount, DataType::kFloat32, (rank + 1) % kRanks),
      coll::Transfer::Receive(behind, kCount, DataType::kFloat32, (rank + kRanks - 1) % kRanks)};
  return communicator.Exchange(group);
}

// Makes the call again and again until an error comes, and reports it.
RankProcesses::Body MovingRanks(const std::string& rendezvous, What what, milliseconds timeout) {
  return [=](int rank, RankReport& report) {
    auto options = OptionsFor(rendezvous, rank, kRanks, timeout);
    options.chunk_bytes = 64 << 10;
    auto communicator = Communicator::Create(options);
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    FakeDeviceMemory memory(size_t{8} << 20);
    FakeMover mover(memory, static_cast<uint64_t>(rank), {});
    (*communicator)->UseMover(&mover);
    for (uint64_t call = 1;; ++call) {
      const Status status = Call(**communicator, memory, what);
      if (!status.ok()) {
        report.Fail(status);
        EXPECT_TRUE(mover.is_idle());
        EXPECT_EQ(Call(**communicator, memory, what), status);  // the same for ever
        return;
      }
      report.progress.store(call);
    }
  };
}

constexpr milliseconds kDeathBound(kSanitized ? 5000 : 1000);

TEST(KilledRankWithMoverTest, PeersGetAnErrorThatNamesItWithinASecondAndTheirCopiesAreOver) {
  SplitMix64 random(3);
  for (const What what : {What::kAllReduce, What::kAllGather, What::kExchange}) {
    for (int round = 0; round < kRanks; ++round) {
      const int victim = round;
      RankProcesses ranks(kRanks, MovingRanks(RandomHex(16), what, std::chrono::seconds(60)));
      ranks.AwaitProgress(victim, 1 + random.NextBelow(3));
      ::usleep(static_cast<useconds_t>(random.NextBelow(10'000)));
      const auto killed = ranks.Signal(victim, SIGKILL);
      for (int rank = 0; rank < kRanks; ++rank) {
        if (rank == victim) continue;
        ASSERT_TRUE(ranks.Succeeded(rank));
        const Status status = ranks.report(rank).status();
        EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
        EXPECT_THAT(status.message(), HasSubstr(StrCat("rank ", victim, " (process ",
                                                       ranks.process(victim), ") died")));
        EXPECT_LT(Delay(ranks.report(rank), killed), kDeathBound);
      }
    }
  }
}

TEST(StoppedRankWithMoverTest, PeersTimeOutAndNameIt) {
  constexpr milliseconds kTimeout(600);
  RankProcesses ranks(kRanks, MovingRanks(RandomHex(16), What::kAllReduce, kTimeout));
  ranks.AwaitProgress(1, 3);
  const auto stopped = ranks.Signal(1, SIGSTOP);
  for (const int rank : {0, 2}) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr("rank 1 (process"), HasSubstr("did not arrive within 600 ms")));
    EXPECT_GT(Delay(ranks.report(rank), stopped), kTimeout / 2);
    EXPECT_LT(Delay(ranks.report(rank), stopped), kTimeout + kDeathBound);
  }
  ranks.Signal(1, SIGCONT);
  ASSERT_TRUE(ranks.Succeeded(1));
  EXPECT_EQ(ranks.report(1).status(), ranks.report(0).status());
}

}  // namespace
}  // namespace flexmig::multiproc
