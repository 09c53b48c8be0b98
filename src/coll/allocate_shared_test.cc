#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// Memory that all ranks map, and the collectives on it. The ranks are threads that have met, each
// with its own mappings, as processes have.
namespace flexmig::coll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class AllocateSharedTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, AllocateSharedTest, testing::Values(1, 2, 3, 5),
                         testing::PrintToStringParamName());

size_t DescriptorCount() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

bool IsZero(std::span<const std::byte> memory) {
  return std::all_of(memory.begin(), memory.end(), [](std::byte b) { return b == std::byte{}; });
}

TEST_P(AllocateSharedTest, GivesZeroedPagesOfTheSizeEachRankWants) {
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (const size_t step : {0u, 1u, 4096u, 10'001u}) {
      // 0 for rank 0, then more for each.
      const size_t bytes = static_cast<size_t>(communicator.rank()) * step;
      const auto memory = communicator.AllocateShared(bytes);
      ASSERT_TRUE(memory.ok()) << memory.status().ToString();
      ASSERT_EQ(memory->size(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % page, 0u);
      EXPECT_TRUE(IsZero(*memory));
      std::fill(memory->begin(), memory->end(), std::byte{0xff});
      ASSERT_EQ(communicator.FreeShared(*memory), OkStatus());
    }
  });
}

// Parts of no bytes lie at the end of what another rank has: they must not be mistaken for each
// other, or for the part that begins there in another allocation.
TEST_P(AllocateSharedTest, EmptyPartsOfSeveralAllocationsAreFreedInAnyOrder) {
  const auto ranks = static_cast<uint64_t>(world_size());
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    SplitMix64 random(5);  // alike on all ranks
    for (int round = 0; round < 6; ++round) {
      std::vector<std::span<std::byte>> parts;
      for (int i = 0; i < 6; ++i) {
        std::vector<size_t> sizes;
        for (uint64_t rank = 0; rank < ranks; ++rank) sizes.push_back(4096 * random.NextBelow(2));
        const auto memory =
            communicator.AllocateShared(sizes[static_cast<size_t>(communicator.rank())]);
        ASSERT_TRUE(memory.ok()) << memory.status().ToString();
        parts.push_back(*memory);
      }
      while (!parts.empty()) {
        const auto i = static_cast<ptrdiff_t>(random.NextBelow(parts.size()));
        ASSERT_EQ(communicator.FreeShared(parts[static_cast<size_t>(i)]), OkStatus());
        parts.erase(parts.begin() + i);
      }
    }
  });
}

// One call worked out before the ranks run: what each sends and must find.
struct PreparedCase {
  PreparedCase(const CollectiveCase& call_in, int world_size) : call(call_in) {
    for (int rank = 0; rank < world_size; ++rank) {
      sends.push_back(call.Send(rank, world_size));
      expected.push_back(call.Expected(rank, world_size));
    }
  }
  CollectiveCase call;
  std::vector<Bytes8> sends;
  std::vector<Bytes8> expected;
};

enum class Placement { kOrdinary, kShared, kSomeShared, kSharedInPlace, kSharedOdd };
constexpr Placement kPlacements[] = {Placement::kOrdinary, Placement::kShared,
                                     Placement::kSomeShared, Placement::kSharedInPlace,
                                     Placement::kSharedOdd};

constexpr size_t kMostBytes = size_t{3} << 19;  // 1.5 MiB
constexpr size_t kRoom = kMostBytes + 4096;     // for the send buffer, and behind it the receive

// Sizes on both sides of every threshold of `collective`, in bytes of its larger buffer.
std::set<size_t> SizesAround(const SelectionTable& table, Collective collective) {
  std::set<size_t> sizes{0, 4, 96, kMostBytes};
  const Thresholds& thresholds = table.For(collective);
  for (const uint64_t threshold : {thresholds.small_end, thresholds.pulled_begin,
                                   thresholds.pulled_end, thresholds.shared_begin}) {
    for (const int64_t difference : {-128, 0, 128}) {
      const int64_t bytes =
          static_cast<int64_t>(std::min<uint64_t>(threshold, kMostBytes + 1000)) + difference;
      if (bytes > 0 && bytes <= static_cast<int64_t>(kMostBytes)) {
        sizes.insert(static_cast<size_t>(bytes));
      }
    }
  }
  return sizes;
}

void Check(HostCommunicator& communicator, const PreparedCase& prepared, Placement placement,
           std::span<std::byte> shared, std::span<std::byte> ordinary) {
  const CollectiveCase& call = prepared.call;
  const auto rank = static_cast<size_t>(communicator.rank());
  const int ranks = communicator.world_size();
  const size_t part = call.part_bytes();
  const bool is_shared = placement == Placement::kSomeShared ? (rank + call.seed) % 2 == 0
                                                             : placement != Placement::kOrdinary;
  const std::span<std::byte> memory = is_shared ? shared : ordinary;
  const size_t shift = placement == Placement::kSharedOdd ? 3 + rank : 0;
  std::byte* from = memory.data() + shift;
  std::byte* to = memory.data() + kRoom + shift;
  if (placement == Placement::kSharedInPlace) {
    to = from;
    if (call.receive_parts(ranks) > 1) from += rank * part;
    if (call.send_parts(ranks) > 1) to += rank * part;
  }
  std::copy(prepared.sends[rank].begin(), prepared.sends[rank].end(), from);
  const Bytes8& expected = prepared.expected[rank];
  if (placement != Placement::kSharedInPlace) {
    std::fill_n(to, expected.size() + 1, std::byte{0x5a});
  }
  // A rank may reach into another's buffer only once that one is in the call.
  ASSERT_EQ(call.Run(communicator, call.sends(communicator.rank()) ? from : nullptr,
                     call.receives(communicator.rank()) ? to : nullptr),
            OkStatus());
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), to))
      << call.ToString() << " on rank " << rank << ", placement " << static_cast<int>(placement);
  if (placement == Placement::kSharedInPlace) return;
  ASSERT_EQ(std::to_integer<int>(to[expected.size()]), 0x5a) << call.ToString();
}

class SharedBuffersTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(WorldSizes, SharedBuffersTest, testing::Values(2, 3, 4),
                         testing::PrintToStringParamName());

TEST_P(SharedBuffersTest, EveryCollectiveSizeAndPlacementGivesWhatTheOracleSays) {
  const int world_size = GetParam();
  const SelectionTable table = DefaultSelection(world_size).roomy;
  std::vector<PreparedCase> cases;
  CollectiveCase call;
  for (const Collective collective : kDataCollectives) {
    for (const size_t bytes : SizesAround(table, collective)) {
      call.collective = collective;
      call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(world_size));
      const size_t parts = std::max(call.send_parts(world_size), call.receive_parts(world_size));
      call.count = bytes / parts / 4;
      call.op = call.seed % 3 == 0 ? ReduceOp::kPreMulSum : ReduceOp::kSum;
      cases.emplace_back(call, world_size);
    }
  }
  RunMetRanks(world_size, [&](HostCommunicator& communicator) {
    // Processes of one user may read each other here; else ...Pulled is not tested.
    EXPECT_TRUE(communicator.can_read_across());
    const auto shared = communicator.AllocateShared(2 * kRoom);
    ASSERT_TRUE(shared.ok()) << shared.status().ToString();
    Bytes8 ordinary(2 * kRoom);
    for (const PreparedCase& prepared : cases) {
      for (const Placement placement : kPlacements) {
        if (placement == Placement::kSharedInPlace &&
            prepared.call.collective == Collective::kAllToAll) {
          continue;
        }
        ASSERT_NO_FATAL_FAILURE(Check(communicator, prepared, placement, *shared, ordinary));
      }
    }
  });
}

// Writes go straight into the peers' memory: what a collective has put there is seen without
// another one.
TEST_P(AllocateSharedTest, PeersSeeWhatIsWrittenThere) {
  constexpr size_t kCount = 100'000;
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    const auto memory = communicator.AllocateShared(kCount * sizeof(int64_t));
    ASSERT_TRUE(memory.ok()) << memory.status().ToString();
    auto* const values = reinterpret_cast<int64_t*>(memory->data());
    for (int64_t round = 0; round < 5; ++round) {
      for (size_t i = 0; i < kCount; ++i) {
        values[i] = static_cast<int64_t>(i) * (communicator.rank() + 1) + round;
      }
      ASSERT_EQ(communicator.AllReduce(std::span(values, kCount), ReduceOp::kSum), OkStatus());
      const int64_t n = world_size();
      for (size_t i = 0; i < kCount; ++i) {
        ASSERT_EQ(values[i], static_cast<int64_t>(i) * n * (n + 1) / 2 + n * round);
      }
    }
  });
}

TEST_P(AllocateSharedTest, MemoryThatCannotBeHadLeavesTheCommunicatorUsable) {
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    for (const size_t bytes : {size_t{1} << 50, ~size_t{0}, size_t{1} << 62}) {
      // Only the last rank wants so much.
      const bool wants = communicator.rank() == world_size() - 1;
      const auto memory = communicator.AllocateShared(wants ? bytes : 100);
      ASSERT_FALSE(memory.ok());
      EXPECT_EQ(memory.status().code(), StatusCode::kResourceExhausted)
          << memory.status().ToString();
      EXPECT_THAT(memory.status().message(), HasSubstr(StrCat("rank ", world_size() - 1)));
      std::vector<int32_t> one{1};
      ASSERT_EQ(communicator.AllReduce(std::span(one), ReduceOp::kSum), OkStatus());
      ASSERT_EQ(one[0], world_size());
    }
    const auto memory = communicator.AllocateShared(100);
    ASSERT_TRUE(memory.ok()) << memory.status().ToString();
    EXPECT_EQ(communicator.FreeShared(*memory), OkStatus());
  });
}

TEST_P(AllocateSharedTest, WrongFreesHarmNothing) {
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    const auto first = communicator.AllocateShared(5000);
    const auto second = communicator.AllocateShared(6000);
    ASSERT_TRUE(first.ok() && second.ok());
    const bool is_last = communicator.rank() == world_size() - 1;
    std::byte stranger{};
    for (const std::span<std::byte> wrong :
         {std::span<std::byte>(), std::span(&stranger, 1), first->subspan(1), first->first(10)}) {
      const Status status = communicator.FreeShared(is_last ? wrong : *first);
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
      EXPECT_THAT(status.message(),
                  HasSubstr(StrCat("rank ", world_size() - 1, " did not allocate")));
    }
    if (world_size() > 1) {
      const Status status = communicator.FreeShared(is_last ? *second : *first);
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
      EXPECT_THAT(status.message(), AllOf(HasSubstr("rank 0 frees its allocation 1"),
                                          HasSubstr(StrCat("rank ", world_size() - 1, " its 2"))));
    }
    // Both are still there.
    std::fill(first->begin(), first->end(), std::byte{1});
    std::fill(second->begin(), second->end(), std::byte{2});
    ASSERT_EQ(communicator.AllReduce(first->data(), second->data(), 5000, DataType::kUint8,
                                     ReduceOp::kSum),
              OkStatus());
    EXPECT_EQ(std::to_integer<int>((*second)[4999]), world_size());
    EXPECT_EQ(communicator.FreeShared(*second), OkStatus());
    EXPECT_EQ(communicator.FreeShared(*first), OkStatus());
    EXPECT_EQ(communicator.FreeShared(*first).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(communicator.Barrier(), OkStatus());
  });
}

// New regions take the addresses of freed ones: ranks must mean the same one by a number.
TEST_P(AllocateSharedTest, RegionsStayApartThroughFreesAndNewAllocations) {
  RunMetRanks(world_size(), [&](HostCommunicator& communicator) {
    SplitMix64 random(3);  // alike on all ranks
    std::vector<std::span<std::byte>> live;
    for (uint64_t round = 0; round < 40; ++round) {
      if (live.size() < 2 || (live.size() < 6 && random.NextBelow(2) == 0)) {
        const auto memory = communicator.AllocateShared(size_t{400'000});
        ASSERT_TRUE(memory.ok()) << memory.status().ToString();
        EXPECT_TRUE(IsZero(*memory));
        live.push_back(*memory);
      } else {
        const auto i = random.NextBelow(live.size());
        ASSERT_EQ(communicator.FreeShared(live[i]), OkStatus());
        live.erase(live.begin() + static_cast<ptrdiff_t>(i));
      }
      if (live.empty()) continue;
      const std::span<std::byte> from = live[random.NextBelow(live.size())];
      const std::span<std::byte> to = live[random.NextBelow(live.size())];
      const CollectiveCase call{
          Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 100'000, 0, round};
      const Bytes8 sent = call.Send(communicator.rank(), world_size());
      std::copy(sent.begin(), sent.end(), from.begin());
      ASSERT_EQ(call.Run(communicator, from.data(), to.data()), OkStatus());
      const Bytes8 expected = call.Expected(communicator.rank(), world_size());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), to.begin())) << "round " << round;
    }
  });
}

TEST(DescriptorTest, NoneIsLeftByAllocationsOrFailuresOrSplits) {
  const auto work = [] {
    RunMetRanks(3, [](HostCommunicator& communicator) {
      std::vector<std::span<std::byte>> parts;
      for (int i = 0; i < 3; ++i) {
        const auto memory = communicator.AllocateShared(10'000);
        ASSERT_TRUE(memory.ok()) << memory.status().ToString();
        parts.push_back(*memory);
        EXPECT_FALSE(communicator.AllocateShared(size_t{1} << 50).ok());
      }
      ASSERT_EQ(communicator.FreeShared(parts[1]), OkStatus());
      const auto half = communicator.Split(communicator.rank() % 2, 0);
      ASSERT_TRUE(half.ok()) << half.status().ToString();
    });
  };
  work();  // what is opened once for good
  const size_t before = DescriptorCount();
  for (int round = 0; round < 3; ++round) work();
  EXPECT_EQ(DescriptorCount(), before);
}

}  // namespace
}  // namespace flexmig::coll
