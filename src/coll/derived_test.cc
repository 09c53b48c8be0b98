#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "collective_case.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// Communicators made of others, with ranks that are threads.
namespace flexmig::coll {
namespace {

using testing::HasSubstr;
using Created = Result<std::unique_ptr<Communicator>>;

constexpr uint64_t kSlotBytes = 1024;

// The ranks of `communicator`, in its order, each by the number that it passes.
std::vector<int32_t> Members(Communicator& communicator, int32_t own) {
  std::vector<int32_t> members(static_cast<size_t>(communicator.world_size()));
  EXPECT_EQ(communicator.AllGather(&own, members.data(), 1, DataType::kInt32), OkStatus());
  return members;
}

TEST(SplitTest, EveryColorGetsItsRanksInTheOrderOfTheirKeys) {
  constexpr int kRanks = 6;
  const struct {
    std::vector<int> colors;
    std::vector<int> keys;
    std::vector<std::vector<int32_t>> members;  // by rank
  } cases[] = {
      {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, std::vector(6, std::vector{0, 1, 2, 3, 4, 5})},
      {{7, 7, 7, 7, 7, 7}, {5, 4, 3, 2, 1, 0}, std::vector(6, std::vector{5, 4, 3, 2, 1, 0})},
      {{1, 0, 1, 0, 1, 0},
       {0, 0, 0, 0, 0, 0},
       {{0, 2, 4}, {1, 3, 5}, {0, 2, 4}, {1, 3, 5}, {0, 2, 4}, {1, 3, 5}}},
      // Equal keys keep the order of the ranks; negative keys come first; a negative color has no
      // communicator; a color of one rank is a world of one.
      {{3, -1, 3, 2'000'000'000, 3, -5},
       {1, 0, -4, 9, 1, 0},
       {{2, 0, 4}, {}, {2, 0, 4}, {3}, {2, 0, 4}, {}}},
  };
  RunThreadRanks(kRanks, kSlotBytes, [&](HostCommunicator& communicator) {
    const auto rank = static_cast<size_t>(communicator.rank());
    for (const auto& c : cases) {
      const auto part = communicator.Split(c.colors[rank], c.keys[rank]);
      ASSERT_TRUE(part.ok()) << part.status().ToString();
      if (c.members[rank].empty()) {
        EXPECT_EQ(*part, nullptr);
        continue;
      }
      ASSERT_NE(*part, nullptr);
      EXPECT_EQ(Members(**part, communicator.rank()), c.members[rank]);
      const auto own =
          std::find(c.members[rank].begin(), c.members[rank].end(), static_cast<int32_t>(rank));
      EXPECT_EQ((*part)->rank(), own - c.members[rank].begin());
    }
  });
}

TEST(SplitTest, SplitsOfSplitsWork) {
  RunThreadRanks(4, kSlotBytes, [](HostCommunicator& communicator) {
    const int rank = communicator.rank();
    const auto half = communicator.Split(rank / 2, 0);
    ASSERT_TRUE(half.ok()) << half.status().ToString();
    const auto turned = (*half)->Split(0, -rank);
    ASSERT_TRUE(turned.ok()) << turned.status().ToString();
    const auto alone = (*turned)->Split(rank, 0);
    ASSERT_TRUE(alone.ok()) << alone.status().ToString();
    EXPECT_EQ(Members(**alone, rank), std::vector<int32_t>{rank});
    EXPECT_EQ(Members(**turned, rank), (std::vector<int32_t>{rank / 2 * 2 + 1, rank / 2 * 2}));
    EXPECT_EQ(Members(**half, rank), (std::vector<int32_t>{rank / 2 * 2, rank / 2 * 2 + 1}));
    EXPECT_EQ(Members(communicator, rank), (std::vector<int32_t>{0, 1, 2, 3}));
  });
}

TEST(SplitTest, PartsOutliveTheWhole) {
  auto ranks = MakeThreadRanks(3, kSlotBytes);
  std::vector<std::thread> threads;
  threads.reserve(ranks.size());
  for (auto& rank : ranks) {
    threads.emplace_back([own = std::move(rank)]() mutable {
      auto copy = own->Split(0, 0);
      ASSERT_TRUE(copy.ok()) << copy.status().ToString();
      own.reset();
      EXPECT_EQ(Members(**copy, (*copy)->rank()), (std::vector<int32_t>{0, 1, 2}));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The same random calls on a communicator with or without its neighbour in use.
void RandomCalls(Communicator& communicator, uint64_t seed, int calls) {
  SplitMix64 random(seed);
  for (int i = 0; i < calls; ++i) {
    const int ranks = communicator.world_size();
    CollectiveCase call;
    call.collective = kDataCollectives[random.NextBelow(std::size(kDataCollectives))];
    call.type = DataType::kInt32;
    call.count = random.NextBelow(4) == 0 ? random.NextBelow(9000) : random.NextBelow(60);
    call.root = static_cast<int>(random.NextBelow(static_cast<uint64_t>(ranks)));
    call.seed = random.Next() % 1'000'000;
    const Bytes8 send = call.Send(communicator.rank(), ranks);
    const Bytes8 expected = call.Expected(communicator.rank(), ranks);
    Bytes8 received(call.receive_parts(ranks) * call.part_bytes());
    ASSERT_EQ(call.Run(communicator, send.data(), received.data()), OkStatus());
    received.resize(expected.size());
    ASSERT_EQ(received, expected) << call.ToString();
  }
}

TEST(SeveralCommunicatorsTest, CanBeUsedInTurns) {
  RunThreadRanks(4, kSlotBytes, [](HostCommunicator& communicator) {
    const auto copy = communicator.Split(0, -communicator.rank());
    const auto half = communicator.Split(communicator.rank() % 2, 0);
    ASSERT_TRUE(copy.ok() && half.ok());
    for (uint64_t round = 0; round < 25; ++round) {
      ASSERT_NO_FATAL_FAILURE(RandomCalls(communicator, round, 3));
      ASSERT_NO_FATAL_FAILURE(RandomCalls(**half, round + 100, 2));
      ASSERT_NO_FATAL_FAILURE(RandomCalls(**copy, round + 200, 1));
    }
  });
}

TEST(SeveralCommunicatorsTest, CanBeUsedByOneThreadEachAtTheSameTime) {
  RunThreadRanks(3, kSlotBytes, [](HostCommunicator& communicator) {
    const auto copy = communicator.Split(0, 0);
    ASSERT_TRUE(copy.ok()) << copy.status().ToString();
    std::thread second([&] { RandomCalls(**copy, 1, 120); });
    RandomCalls(communicator, 2, 120);
    second.join();
  });
}

// Both threads split and allocate: the meetings have names of their own.
TEST(SeveralCommunicatorsTest, MeetAtTheSameTimeWithoutMixingUp) {
  RunThreadRanks(2, kSlotBytes, [](HostCommunicator& communicator) {
    const auto copy = communicator.Split(0, 0);
    ASSERT_TRUE(copy.ok()) << copy.status().ToString();
    const auto work = [](Communicator& of, int base) {
      for (int round = 0; round < 10; ++round) {
        const auto memory = of.AllocateShared(size_t{100});
        ASSERT_TRUE(memory.ok()) << memory.status().ToString();
        const auto part = of.Split(base, 0);
        ASSERT_TRUE(part.ok()) << part.status().ToString();
        ASSERT_EQ(Members(**part, base + of.rank()), (std::vector<int32_t>{base, base + 1}));
        ASSERT_EQ(of.FreeShared(*memory), OkStatus());
      }
    };
    std::thread second([&] { work(**copy, 100); });
    work(communicator, 200);
    second.join();
  });
}

TEST(ShrinkTest, LeavesOutWhoIsNotWantedAndKeepsTheOrder) {
  RunThreadRanks(5, kSlotBytes, [](HostCommunicator& communicator) {
    const int rank = communicator.rank();
    for (const std::vector<int>& excluded :
         {std::vector<int>{}, std::vector<int>{1}, std::vector<int>{3, 0, 3}}) {
      std::vector<int32_t> left;
      for (int32_t other = 0; other < 5; ++other) {
        if (std::count(excluded.begin(), excluded.end(), other) == 0) left.push_back(other);
      }
      if (std::count(excluded.begin(), excluded.end(), rank) != 0) continue;
      const auto smaller = communicator.Shrink(excluded);
      ASSERT_TRUE(smaller.ok()) << smaller.status().ToString();
      EXPECT_EQ(Members(**smaller, rank), left);
    }
  });
}

TEST(ShrinkTest, WorksOnADeadCommunicatorAndAgain) {
  auto ranks = MakeThreadRanks(4, kSlotBytes);
  ranks[2]->Abort("broken");
  ranks[2].reset();
  std::vector<std::thread> threads;
  for (auto& rank : ranks) {
    if (rank == nullptr) continue;
    threads.emplace_back([&communicator = *rank] {
      const int own = communicator.rank();
      EXPECT_EQ(communicator.Barrier().code(), StatusCode::kAborted);
      const int gone[] = {2};
      const auto smaller = communicator.Shrink(gone);
      ASSERT_TRUE(smaller.ok()) << smaller.status().ToString();
      EXPECT_EQ(Members(**smaller, own), (std::vector<int32_t>{0, 1, 3}));
      // Rank 0 leaves the smaller one too.
      (*smaller)->Abort("broken as well");
      EXPECT_EQ((*smaller)->Barrier().code(), StatusCode::kAborted);
      if (own == 0) return;
      const int first[] = {0};
      const auto pair = (*smaller)->Shrink(first);
      ASSERT_TRUE(pair.ok()) << pair.status().ToString();
      EXPECT_EQ(Members(**pair, own), (std::vector<int32_t>{1, 3}));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ShrinkTest, RefusesToLeaveOutItselfOrNobodyThereIs) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  for (const int wrong : {0, 2, -1}) {
    const auto smaller = ranks[0]->Shrink({&wrong, 1});
    ASSERT_FALSE(smaller.ok());
    EXPECT_EQ(smaller.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(smaller.status().message(), HasSubstr(StrCat("rank ", wrong)));
  }
  EXPECT_EQ(ranks[0]->status(), OkStatus());
}

TEST(SplitTest, OfADeadCommunicatorGivesItsError) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  ranks[1]->Abort("over");
  const Created part = ranks[0]->Split(0, 0);
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(part.status(), AbortedError("rank 1 aborted: over"));
  EXPECT_EQ(ranks[0]->AllocateShared(10).status(), AbortedError("rank 1 aborted: over"));
}

}  // namespace
}  // namespace flexmig::coll
