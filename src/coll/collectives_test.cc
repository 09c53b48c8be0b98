#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/reduce/reference.h"

#include "host_communicator.h"
#include "thread_ranks.h"

// What the collectives compute, with ranks that are threads over one mapping of the segment: the
// thread sanitizer sees a race only where both sides use the same addresses.
namespace flexmig::coll {
namespace {

using Bytes8 = std::vector<std::byte>;

// Slots of 1 KiB: a few thousand bytes go through all slots several times.
constexpr uint64_t kSlotBytes = 1024;

// Rank r's contribution: any bits, different for each (seed, rank, index).
Bytes8 Contribution(uint64_t seed, int rank, size_t bytes) {
  SplitMix64 random(seed * 1000 + static_cast<uint64_t>(rank));
  Bytes8 data(bytes);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random.Next() >> 56);
  return data;
}

Bytes8 ReducedReference(uint64_t seed, int world_size, size_t count, DataType type, ReduceOp op) {
  const size_t bytes = count * reduce::ElementBytes(type);
  std::vector<Bytes8> inputs;
  std::vector<const void*> pointers;
  inputs.reserve(static_cast<size_t>(world_size));
  pointers.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    inputs.push_back(Contribution(seed, rank, bytes));
  }
  for (const Bytes8& input : inputs) pointers.push_back(input.data());
  Bytes8 expected(bytes);
  reduce::ReduceInputsReference(type, op, pointers, expected.data(), count);
  return expected;
}

class CollectivesTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, CollectivesTest, testing::Values(1, 2, 3, 4, 7, 8),
                         testing::PrintToStringParamName());

// One element, both sides of the one-shot limit, of a slot and of all slots together.
constexpr size_t kByteCounts[] = {0, 8, 248, 1016, 1024, 1032, 4096, 4104, 9000};

TEST_P(CollectivesTest, AllReduceEqualsTheReferenceOnEveryRank) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    uint64_t seed = 0;
    for (const DataType type : reduce::kAllDataTypes) {
      for (const ReduceOp op : reduce::kAllReduceOps) {
        for (const size_t bytes : kByteCounts) {
          const size_t count = bytes / reduce::ElementBytes(type);
          const Bytes8 expected = ReducedReference(++seed, world_size(), count, type, op);
          const Bytes8 send = Contribution(seed, communicator.rank(), expected.size());
          Bytes8 receive(expected.size());
          ASSERT_EQ(communicator.AllReduce(send.data(), receive.data(), count, type, op),
                    OkStatus());
          ASSERT_EQ(receive, expected)
              << reduce::DataTypeName(type) << reduce::ReduceOpName(op) << bytes;
        }
      }
    }
  });
}

TEST_P(CollectivesTest, AllReduceWorksInPlaceAndOnOddAddresses) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (const size_t count : {1u, 37u, 500u, 3001u}) {
      const Bytes8 expected =
          ReducedReference(count, world_size(), count, DataType::kFloat32, ReduceOp::kSum);
      Bytes8 memory(expected.size() + 1);
      const Bytes8 send = Contribution(count, communicator.rank(), expected.size());
      std::copy(send.begin(), send.end(), memory.begin() + 1);
      ASSERT_EQ(communicator.AllReduce(memory.data() + 1, memory.data() + 1, count,
                                       DataType::kFloat32, ReduceOp::kSum),
                OkStatus());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), memory.begin() + 1)) << count;
    }
  });
}

TEST_P(CollectivesTest, BroadcastGivesEveryRankTheRootsBytes) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (int root = 0; root < communicator.world_size(); ++root) {
      for (const size_t bytes : kByteCounts) {
        const Bytes8 expected = Contribution(bytes, root, bytes);
        Bytes8 receive(bytes);
        const bool is_root = communicator.rank() == root;
        ASSERT_EQ(communicator.Broadcast(is_root ? expected.data() : nullptr, receive.data(),
                                         bytes / 2, DataType::kBfloat16, root),
                  OkStatus());
        ASSERT_EQ(receive, expected) << bytes;
      }
    }
  });
}

TEST_P(CollectivesTest, AllGatherLaysTheRanksOneBehindTheOther) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    for (const bool in_place : {false, true}) {
      for (const size_t bytes : kByteCounts) {
        Bytes8 expected;
        for (int rank = 0; rank < world_size(); ++rank) {
          const Bytes8 part = Contribution(bytes, rank, bytes);
          expected.insert(expected.end(), part.begin(), part.end());
        }
        const Bytes8 own = Contribution(bytes, communicator.rank(), bytes);
        Bytes8 receive(expected.size());
        std::byte* place = receive.data() + static_cast<size_t>(communicator.rank()) * bytes;
        if (in_place) std::copy(own.begin(), own.end(), place);
        ASSERT_EQ(communicator.AllGather(in_place ? place : own.data(), receive.data(), bytes / 8,
                                         DataType::kFloat64),
                  OkStatus());
        ASSERT_EQ(receive, expected) << bytes;
      }
    }
  });
}

TEST_P(CollectivesTest, ReduceScatterGivesEveryRankItsPart) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    const auto ranks = static_cast<size_t>(world_size());
    const auto rank = static_cast<size_t>(communicator.rank());
    for (const DataType type : reduce::kAllDataTypes) {
      for (const bool in_place : {false, true}) {
        for (const size_t bytes : kByteCounts) {
          const size_t count = bytes / reduce::ElementBytes(type);
          const Bytes8 all =
              ReducedReference(bytes, world_size(), count * ranks, type, ReduceOp::kAvg);
          Bytes8 send = Contribution(bytes, communicator.rank(), all.size());
          Bytes8 separate(bytes);
          std::byte* receive = in_place ? send.data() + rank * bytes : separate.data();
          ASSERT_EQ(communicator.ReduceScatter(send.data(), receive, count, type, ReduceOp::kAvg),
                    OkStatus());
          ASSERT_EQ(0, bytes == 0 ? 0 : std::memcmp(receive, all.data() + rank * bytes, bytes))
              << reduce::DataTypeName(type) << " " << bytes;
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

// Calls of different kinds and sizes in one row share the slots and step numbers.
TEST_P(CollectivesTest, AnyOrderOfCallsWorks) {
  RunThreadRanks(world_size(), kSlotBytes, [&](HostCommunicator& communicator) {
    SplitMix64 random(11);  // alike on all ranks
    for (uint64_t call = 0; call < 150; ++call) {
      const size_t count = random.NextBelow(3) == 0 ? random.NextBelow(2000) : random.NextBelow(40);
      const size_t bytes = count * 4;
      const uint64_t kind = random.NextBelow(4);
      const int root = static_cast<int>(random.NextBelow(static_cast<uint64_t>(world_size())));
      const Bytes8 send = Contribution(call, communicator.rank(), bytes);
      Bytes8 receive(bytes * static_cast<size_t>(world_size()));
      Bytes8 expected = receive;
      Status status;
      if (kind == 0) {
        status = communicator.Barrier();
      } else if (kind == 1) {
        status = communicator.AllReduce(send.data(), receive.data(), count, DataType::kInt32,
                                        ReduceOp::kSum);
        expected = ReducedReference(call, world_size(), count, DataType::kInt32, ReduceOp::kSum);
      } else if (kind == 2) {
        status = communicator.Broadcast(send.data(), receive.data(), count, DataType::kInt32, root);
        expected = Contribution(call, root, bytes);
      } else {
        status = communicator.AllGather(send.data(), receive.data(), count, DataType::kInt32);
        expected.clear();
        for (int rank = 0; rank < world_size(); ++rank) {
          const Bytes8 part = Contribution(call, rank, bytes);
          expected.insert(expected.end(), part.begin(), part.end());
        }
      }
      ASSERT_EQ(status, OkStatus());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), receive.begin())) << call;
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
