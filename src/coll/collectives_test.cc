#include <algorithm>
#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// What the collectives compute, with ranks that are threads over one mapping of the segment: the
// thread sanitizer sees a race only where both sides use the same addresses.
namespace flexmig::coll {
namespace {

// Slots of 1 KiB: a few thousand bytes go through all slots several times.
constexpr uint64_t kSlotBytes = 1024;

class CollectivesTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, CollectivesTest, testing::Values(1, 2, 3, 4, 7, 8),
                         testing::PrintToStringParamName());

// One element; both sides of what fits into an announcement, of a slot and of all slots together.
constexpr size_t kByteCounts[] = {0, 8, 32, 40, 224, 232, 1016, 1024, 1032, 4096, 4104, 9000};

enum class Buffers { kSeparate, kInPlace, kOddAddresses };

// Makes the call on this rank and compares what it gave with the oracle.
void Check(HostCommunicator& communicator, const CollectiveCase& call, Buffers buffers) {
  const int rank = communicator.rank();
  const int ranks = communicator.world_size();
  const size_t part = call.part_bytes();
  const Bytes8 send = call.Send(rank, ranks);
  const Bytes8 expected = call.Expected(rank, ranks);
  const size_t room = std::max(send.size(), call.receive_parts(ranks) * part);
  // One byte more on each side, which nobody may touch.
  Bytes8 sent(room + 2, std::byte{0x5a});
  Bytes8 received(room + 2, std::byte{0x5a});
  const size_t shift = buffers == Buffers::kOddAddresses ? 1 : 0;
  std::byte* from = sent.data() + shift;
  std::byte* to = received.data() + shift;
  if (buffers == Buffers::kInPlace) {
    const size_t own = static_cast<size_t>(rank) * part;
    to = sent.data();
    from = sent.data();
    if (call.receive_parts(ranks) > 1) from += own;
    if (call.send_parts(ranks) > 1) to += own;
  }
  std::copy(send.begin(), send.end(), from);
  const Bytes8 sent_before = sent;
  ASSERT_EQ(
      call.Run(communicator, call.sends(rank) ? from : nullptr, call.receives(rank) ? to : nullptr),
      OkStatus());
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), to)) << call.ToString();
  if (buffers == Buffers::kInPlace) return;
  ASSERT_EQ(sent, sent_before) << call.ToString();
  EXPECT_EQ(std::to_integer<int>(*(to + expected.size())), 0x5a) << call.ToString();
  if (shift == 1) {
    EXPECT_EQ(std::to_integer<int>(received[0]), 0x5a) << call.ToString();
  }
}

TEST_P(CollectivesTest, EveryCollectiveAndSizeGivesWhatTheOracleSays) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    CollectiveCase call;
    for (const Collective collective : kDataCollectives) {
      for (const size_t bytes : kByteCounts) {
        for (const Buffers buffers :
             {Buffers::kSeparate, Buffers::kInPlace, Buffers::kOddAddresses}) {
          if (buffers == Buffers::kInPlace && collective == Collective::kAllToAll) continue;
          call.collective = collective;
          call.count = bytes / 4;
          call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(world_size()));
          Check(communicator, call, buffers);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST_P(CollectivesTest, EveryTypeAndReductionGivesWhatTheOracleSays) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    CollectiveCase call;
    for (const Collective collective :
         {Collective::kAllReduce, Collective::kReduce, Collective::kReduceScatter}) {
      for (const DataType type : reduce::kAllDataTypes) {
        for (const ReduceOp op : reduce::kAllReduceOps) {
          for (const size_t bytes : {24u, 1000u, 4104u}) {
            call = {collective, type, op, bytes / reduce::ElementBytes(type), 0, call.seed + 1};
            Check(communicator, call, Buffers::kSeparate);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

// Every rank raises its own flag before the barrier and must see all flags behind it.
TEST_P(CollectivesTest, NobodyLeavesABarrierBeforeTheLastHasCome) {
  constexpr int kRounds = 200;
  std::vector<std::atomic<int>> arrived(static_cast<size_t>(world_size()));
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (int round = 1; round <= kRounds; ++round) {
      arrived[static_cast<size_t>(communicator.rank())].store(round, std::memory_order_relaxed);
      ASSERT_EQ(communicator.Barrier(), OkStatus());
      for (const auto& flag : arrived) ASSERT_GE(flag.load(std::memory_order_relaxed), round);
    }
  });
}

// Calls of different kinds and sizes in one row share announcements, slots and numbers.
TEST_P(CollectivesTest, AnyOrderOfCallsWorks) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    SplitMix64 random(11);  // alike on all ranks
    for (uint64_t i = 0; i < 400; ++i) {
      CollectiveCase call;
      call.collective = kDataCollectives[random.NextBelow(std::size(kDataCollectives))];
      call.type = DataType::kInt32;
      call.count = random.NextBelow(4) == 0 ? random.NextBelow(2000) : random.NextBelow(60);
      call.root = static_cast<int>(random.NextBelow(static_cast<uint64_t>(world_size())));
      call.seed = i;
      Check(communicator, call, Buffers::kSeparate);
      if (testing::Test::HasFatalFailure()) return;
      if (random.NextBelow(8) != 0) continue;
      ASSERT_EQ(communicator.Barrier(), OkStatus());
    }
  });
}

// Ranks that need nothing of the others run ahead until the rings are full, and no further.
TEST_P(CollectivesTest, RowsOfRootedCallsKeepTheirData) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (const Collective collective :
         {Collective::kBroadcast, Collective::kReduce, Collective::kGather, Collective::kScatter}) {
      for (uint64_t i = 0; i < 100; ++i) {
        const size_t count = i % 3 == 0 ? 200 : 2;
        Check(communicator, {collective, DataType::kInt32, ReduceOp::kSum, count, 0, i},
              Buffers::kSeparate);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// The same data through slots of different sizes, so in different chunks and by different
// algorithms. The values are floats whose sum depends on the order.
TEST(ChunkingTest, ResultsDoNotDependOnTheSlots) {
  constexpr int kRanks = 3;
  constexpr size_t kCount = 5000;
  std::vector<std::vector<float>> results;
  for (const uint64_t slot_bytes : {512u, 1024u, 8192u, 65536u}) {
    std::vector<std::vector<float>> of_rank(kRanks, std::vector<float>(kCount));
    RunThreadRanks(kRanks, slot_bytes, [&](HostCommunicator& communicator) {
      SplitMix64 random(static_cast<uint64_t>(communicator.rank()));
      std::vector<float> data(kCount);
      for (float& value : data) value = static_cast<float>(random.NextUnit() * 1e6 - 5e5);
      ASSERT_EQ(communicator.AllReduce(std::span(data), ReduceOp::kSum), OkStatus());
      of_rank[static_cast<size_t>(communicator.rank())] = data;
    });
    for (auto& result : of_rank) results.push_back(std::move(result));
  }
  for (const auto& result : results) EXPECT_EQ(result, results.front());
}

}  // namespace
}  // namespace flexmig::coll
