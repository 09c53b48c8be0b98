#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "fake_mover.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// The collectives on buffers that only a mover reaches, with ranks that are threads over one
// mapping and movers that copy later: the thread sanitizer sees every copy that the protocol lets
// come too early or too late.
namespace flexmig::coll {
namespace {

// Slots of 1 KiB: a few thousand bytes go through all slots several times.
constexpr uint64_t kSlotBytes = 1024;

class MovedTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, MovedTest, testing::Values(1, 2, 3, 4, 7, 8),
                         testing::PrintToStringParamName());

// None; below and beyond a line, a slot and all slots together.
constexpr size_t kByteCounts[] = {0, 8, 120, 136, 1016, 1024, 1032, 4096, 4104, 9000};

enum class Buffers { kSeparate, kInPlace, kOddAddresses };

// What `rank` has to move for the call, each way.
FakeMover::Counts PromisedBytes(const CollectiveCase& call, int rank, int world_size,
                                bool in_place) {
  const size_t part = call.part_bytes();
  const auto ranks = static_cast<size_t>(world_size);
  const bool is_root = rank == call.root;
  const size_t own = in_place ? 0 : part;
  switch (call.collective) {
    case Collective::kAllReduce: return {part, part, 0};
    case Collective::kReduce: return {part, is_root ? part : 0, 0};
    case Collective::kReduceScatter: return {ranks * part, part, 0};
    case Collective::kAllGather: return {ranks > 1 ? part : 0, (ranks - 1) * part, own};
    case Collective::kGather:
      if (is_root) return {0, (ranks - 1) * part, own};
      return {part, 0, 0};
    case Collective::kBroadcast:
      if (is_root) return {ranks > 1 ? part : 0, 0, own};
      return {0, part, 0};
    case Collective::kScatter:
      if (is_root) return {(ranks - 1) * part, 0, own};
      return {0, part, 0};
    default: return {(ranks - 1) * part, (ranks - 1) * part, part};
  }
}

// Makes the call on this rank and compares what it gave with the oracle, and what it moved with
// what is promised.
void Check(HostCommunicator& communicator, FakeDeviceMemory& memory, const FakeMover& mover,
           const CollectiveCase& call, Buffers buffers) {
  const int rank = communicator.rank();
  const int ranks = communicator.world_size();
  const size_t part = call.part_bytes();
  const Bytes8 send = call.Send(rank, ranks);
  const Bytes8 expected = call.Expected(rank, ranks);
  const size_t room = std::max(send.size(), call.receive_parts(ranks) * part) + 2;
  // One byte more on each side, which nobody may touch.
  const size_t shift = buffers == Buffers::kOddAddresses ? 1 : 0;
  const std::byte* from = memory.base() + shift;
  std::byte* to = memory.base() + room + shift;
  if (buffers == Buffers::kInPlace) {
    const size_t own = static_cast<size_t>(rank) * part;
    from = memory.base();
    to = memory.base();
    if (call.receive_parts(ranks) > 1) from += own;
    if (call.send_parts(ranks) > 1) to += own;
  }
  std::fill_n(memory.At(memory.base()), 2 * room, std::byte{0x5a});
  std::copy(send.begin(), send.end(), memory.At(from));
  const FakeMover::Counts before = mover.counts();
  const Status status =
      call.Run(communicator, call.sends(rank) ? from : nullptr, call.receives(rank) ? to : nullptr);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_TRUE(mover.is_idle()) << call.ToString();
  const FakeMover::Counts promised = PromisedBytes(call, rank, ranks, buffers == Buffers::kInPlace);
  EXPECT_EQ(mover.counts().in - before.in, promised.in) << call.ToString();
  EXPECT_EQ(mover.counts().out - before.out, promised.out) << call.ToString();
  EXPECT_EQ(mover.counts().within - before.within, promised.within) << call.ToString();
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), memory.At(to))) << call.ToString();
  if (buffers == Buffers::kInPlace) return;
  ASSERT_TRUE(std::equal(send.begin(), send.end(), memory.At(from))) << call.ToString();
  EXPECT_EQ(std::to_integer<int>(*(memory.At(to) + expected.size())), 0x5a) << call.ToString();
  EXPECT_EQ(std::to_integer<int>(*(memory.At(to) - shift)),
            shift == 0 && !expected.empty() ? std::to_integer<int>(expected[0]) : 0x5a)
      << call.ToString();
}

TEST_P(MovedTest, EveryCollectiveAndSizeGivesWhatTheOracleSaysForThePromisedBytes) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    FakeDeviceMemory memory;
    FakeMover mover(memory, static_cast<uint64_t>(communicator.rank()), {});
    communicator.UseMover(&mover);
    CollectiveCase call;
    for (const Collective collective : kDataCollectives) {
      for (const size_t bytes : kByteCounts) {
        for (const Buffers buffers :
             {Buffers::kSeparate, Buffers::kInPlace, Buffers::kOddAddresses}) {
          if (buffers == Buffers::kInPlace && collective == Collective::kAllToAll) continue;
          call.collective = collective;
          call.count = bytes / 4;
          call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(world_size()));
          Check(communicator, memory, mover, call, buffers);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

// All types and reductions, premultiplied sums among them, with counts that fill neither lines nor
// chunks; ordinary calls and barriers between them use the same announcements and slots.
TEST_P(MovedTest, RandomCallsBetweenOrdinaryOnesGiveWhatTheOracleSays) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    FakeDeviceMemory memory;
    FakeMover mover(memory, 100 + static_cast<uint64_t>(communicator.rank()), {});
    SplitMix64 random(7);  // alike on all ranks
    for (uint64_t round = 0; round < 150; ++round) {
      CollectiveCase call;
      call.collective = kDataCollectives[random.NextBelow(std::size(kDataCollectives))];
      call.type = reduce::kAllDataTypes[random.NextBelow(std::size(reduce::kAllDataTypes))];
      call.op = reduce::kAllReduceOps[random.NextBelow(std::size(reduce::kAllReduceOps))];
      call.root = static_cast<int>(random.NextBelow(static_cast<uint64_t>(world_size())));
      call.count = random.NextBelow(random.NextBelow(2) == 0 ? 50 : 3000);
      call.seed = 1000 + round;
      const bool in_place = random.NextBelow(2) == 0 && call.collective != Collective::kAllToAll;
      communicator.UseMover(&mover);
      Check(communicator, memory, mover, call, in_place ? Buffers::kInPlace : Buffers::kSeparate);
      if (testing::Test::HasFatalFailure()) return;
      if (random.NextBelow(4) == 0) {
        ASSERT_EQ(communicator.Barrier(), OkStatus());
      }
      if (random.NextBelow(4) == 0) {
        communicator.UseMover(nullptr);
        std::vector<int64_t> sums(random.NextBelow(1000), 1);
        ASSERT_EQ(communicator.AllReduce(std::span(sums), ReduceOp::kSum), OkStatus());
        ASSERT_TRUE(std::all_of(sums.begin(), sums.end(),
                                [&](int64_t sum) { return sum == world_size(); }));
      }
    }
  });
}

TEST(MovedCallsTest, ChunksOfAllSizesAndTheirUnevenEndsArriveInMetRanks) {
  constexpr int kRanks = 3;
  CommunicatorOptions options;
  options.chunk_bytes = 256 << 10;
  RunMetRanks(kRanks, options, [&](HostCommunicator& communicator) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(communicator.staging().data()) % 4096, 0U);
    EXPECT_EQ(communicator.staging().size(),
              static_cast<size_t>(GeometryFor(kRanks, 256 << 10).TotalBytes().count()));
    FakeDeviceMemory memory(size_t{10} << 20);
    FakeMover mover(memory, static_cast<uint64_t>(communicator.rank()), {});
    communicator.UseMover(&mover);
    CollectiveCase call;
    for (const Collective collective : kDataCollectives) {
      // Some chunks of a fourth, of 128 KiB, and of a slot; the last one odd.
      for (const size_t bytes : {size_t{700'004}, size_t{200'004}, size_t{1'300'012}}) {
        call.collective = collective;
        call.count = bytes / 4;
        call.root = static_cast<int>(++call.seed % kRanks);
        Check(communicator, memory, mover, call, Buffers::kSeparate);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(MovedCallsTest, DerivedCommunicatorsHaveTheChunksAndNoMover) {
  constexpr int kRanks = 2;
  CommunicatorOptions options;
  options.chunk_bytes = 64 << 10;
  RunMetRanks(kRanks, options, [&](HostCommunicator& communicator) {
    FakeDeviceMemory memory;
    FakeMover mover(memory, 1, {});
    communicator.UseMover(&mover);
    auto split = communicator.Split(0, communicator.rank());
    ASSERT_TRUE(split.ok()) << split.status().ToString();
    EXPECT_EQ((*split)->staging().size(), communicator.staging().size());
    std::vector<int32_t> ordinary(100'000, 1);
    ASSERT_EQ((*split)->AllReduce(std::span(ordinary), ReduceOp::kSum), OkStatus());
    EXPECT_EQ(ordinary.back(), kRanks);
    // Nor has what a communicator with a mover allocates.
    const auto shared = communicator.AllocateShared(100);
    ASSERT_TRUE(shared.ok()) << shared.status().ToString();
    EXPECT_EQ(communicator.FreeShared(*shared), OkStatus());
  });
}

}  // namespace
}  // namespace flexmig::coll
