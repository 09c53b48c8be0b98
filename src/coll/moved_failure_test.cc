#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collective_case.h"
#include "fake_mover.h"
#include "host_communicator.h"
#include "thread_ranks.h"

// How collectives through a mover end when something goes wrong, with ranks that are threads over
// one mapping. Deaths of processes are in tests/multiproc.
namespace flexmig::coll {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSlotBytes = 1024;
constexpr size_t kCount = 20'000;

struct Outcome {
  Status status;
  bool is_idle = false;
  milliseconds took{0};
};

// Runs `body(communicator, memory)` in a thread for each rank, with a mover that has the faults.
std::vector<Outcome> RunWithFaults(
    std::vector<std::unique_ptr<HostCommunicator>>& ranks,
    const std::function<FakeMover::Faults(int)>& faults,
    const std::function<Status(HostCommunicator&, FakeDeviceMemory&)>& body) {
  std::vector<Outcome> outcomes(ranks.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ranks.size(); ++i) {
    threads.emplace_back([&, i] {
      FakeDeviceMemory memory;
      FakeMover mover(memory, i, faults(static_cast<int>(i)));
      ranks[i]->UseMover(&mover);
      const auto begin = steady_clock::now();
      outcomes[i].status = body(*ranks[i], memory);
      outcomes[i].took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
      outcomes[i].is_idle = mover.is_idle();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

Status Sum(HostCommunicator& communicator, FakeDeviceMemory& memory) {
  return communicator.AllReduce(memory.base(), memory.base(), kCount, DataType::kFloat32,
                                ReduceOp::kSum);
}
Status Gather(HostCommunicator& communicator, FakeDeviceMemory& memory) {
  return communicator.AllGather(memory.base(), memory.base() + kCount * 4, kCount,
                                DataType::kFloat32);
}
Status Swap(HostCommunicator& communicator, FakeDeviceMemory& memory) {
  const int peer = (communicator.rank() + 1) % communicator.world_size();
  const int from =
      (communicator.rank() + communicator.world_size() - 1) % communicator.world_size();
  const Transfer group[] = {
      Transfer::Send(memory.base(), kCount, DataType::kFloat32, peer),
      Transfer::Receive(memory.base() + kCount * 4, kCount, DataType::kFloat32, from)};
  return communicator.Exchange(group);
}

struct Body {
  const char* name;
  Status (*run)(HostCommunicator&, FakeDeviceMemory&);
};
constexpr Body kBodies[] = {{"AllReduce", Sum}, {"AllGather", Gather}, {"Exchange", Swap}};

TEST(MovedFailureTest, ErrorOfAMoverEndsTheCommunicatorWithItAndWaitsForItsOtherCopies) {
  for (const Body& body : kBodies) {
    for (const uint64_t number : {1U, 2U, 9U, 30U}) {
      auto ranks = MakeThreadRanks(3, kSlotBytes);
      const auto outcomes = RunWithFaults(
          ranks,
          [&](int rank) {
            FakeMover::Faults faults;
            if (rank == 1) faults.refuses_start = number;
            return faults;
          },
          body.run);
      for (const Outcome& outcome : outcomes) {
        EXPECT_EQ(outcome.status.code(), StatusCode::kResourceExhausted) << body.name;
        EXPECT_THAT(outcome.status.message(),
                    AllOf(HasSubstr("rank 1"), HasSubstr("the device is full")));
        EXPECT_TRUE(outcome.is_idle) << body.name << number;
      }
      EXPECT_EQ(ranks[0]->Barrier(), outcomes[0].status);
    }
  }
}

TEST(MovedFailureTest, MoverThatDoesNotKnowEndsTheCommunicator) {
  for (const Body& body : kBodies) {
    auto ranks = MakeThreadRanks(2, kSlotBytes);
    const auto outcomes = RunWithFaults(
        ranks,
        [](int rank) {
          FakeMover::Faults faults;
          if (rank == 0) faults.refuses_query = 12;
          return faults;
        },
        body.run);
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.status.code(), StatusCode::kInternal) << body.name;
      EXPECT_THAT(outcome.status.message(), HasSubstr("the device has no answer"));
    }
  }
}

TEST(MovedFailureTest, CopiesThatDoNotEndMeetTheDeadlineAndKeepTheMapping) {
  // Long against the time in which the copy that hangs is reached on a busy machine.
  const milliseconds timeout(400);
  for (const Body& body : kBodies) {
    for (const uint64_t number : {1U, 7U}) {
      if (number > 1 && body.run != Sum) continue;
      auto ranks = MakeThreadRanks(2, kSlotBytes, timeout);
      const std::span<std::byte> staging = ranks[1]->staging();
      const auto outcomes = RunWithFaults(
          ranks,
          [&](int rank) {
            FakeMover::Faults faults;
            if (rank == 1) faults.hangs_at = number;
            return faults;
          },
          body.run);
      for (const Outcome& outcome : outcomes) {
        EXPECT_EQ(outcome.status.code(), StatusCode::kDeadlineExceeded) << body.name;
        EXPECT_THAT(outcome.status.message(),
                    AllOf(HasSubstr("rank 1 (process"), HasSubstr("within 400 ms")));
        EXPECT_EQ(outcome.status, outcomes[0].status);
        EXPECT_GE(outcome.took, timeout);
        EXPECT_LT(outcome.took, 20 * timeout);
      }
      EXPECT_TRUE(outcomes[0].is_idle);
      ASSERT_FALSE(outcomes[1].is_idle);
      ranks.clear();
      // What hangs may still write there.
      std::fill(staging.begin(), staging.end(), std::byte{1});
    }
  }
}

TEST(MovedFailureTest, AbortDuringCopiesEndsThemAllAtOnce) {
  for (const Body& body : kBodies) {
    auto ranks = MakeThreadRanks(3, kSlotBytes);
    std::thread aborter([&] {
      std::this_thread::sleep_for(milliseconds(30));
      ranks[2]->Abort("enough");
    });
    const auto outcomes = RunWithFaults(
        ranks,
        [](int) {
          FakeMover::Faults faults;
          faults.longest_delay_us = 5000;  // 60 chunks take longer than the aborter
          return faults;
        },
        body.run);
    aborter.join();
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.status.code(), StatusCode::kAborted) << body.name;
      EXPECT_THAT(outcome.status.message(), HasSubstr("rank 2 aborted: enough"));
      EXPECT_TRUE(outcome.is_idle) << body.name;
      EXPECT_LT(outcome.took, milliseconds(2000)) << body.name;
    }
  }
}

TEST(MovedFailureTest, DepartedPeerEndsTheCallAndItsCopies) {
  auto ranks = MakeThreadRanks(3, kSlotBytes);
  const auto outcomes = RunWithFaults(
      ranks, [](int) { return FakeMover::Faults{}; },
      [&](HostCommunicator& communicator, FakeDeviceMemory& memory) {
        if (communicator.rank() == 1) {
          ranks[1].reset();
          return OkStatus();
        }
        return Sum(communicator, memory);
      });
  for (const int rank : {0, 2}) {
    const Outcome& outcome = outcomes[static_cast<size_t>(rank)];
    EXPECT_EQ(outcome.status.code(), StatusCode::kAborted);
    EXPECT_THAT(outcome.status.message(), HasSubstr("rank 1 (process"));
    EXPECT_TRUE(outcome.is_idle);
  }
}

// The same call with a mover on one rank and without on another is a different call.
TEST(MovedFailureTest, RanksThatDifferInTheMoverAreToldForEveryCollectiveAndSize) {
  for (const Collective collective : kDataCollectives) {
    for (const size_t count : {size_t{0}, size_t{4}, kCount / 4}) {
      for (const int root : {0, 1}) {
        auto ranks = MakeThreadRanks(2, kSlotBytes);
        std::vector<Status> statuses(2);
        std::vector<std::thread> threads;
        for (size_t rank = 0; rank < 2; ++rank) {
          threads.emplace_back([&, rank] {
            FakeDeviceMemory memory;
            FakeMover mover(memory, rank, {});
            Bytes8 own(8 * kCount);
            if (rank == 1) ranks[1]->UseMover(&mover);
            std::byte* const base = rank == 1 ? memory.base() : own.data();
            CollectiveCase call;
            call.collective = collective;
            call.count = count;
            call.root = root;
            statuses[rank] = call.Run(*ranks[rank], base, base + 4 * kCount);
            // The first, where it returns early, and nothing has been found yet.
            if (statuses[rank].ok()) statuses[rank] = ranks[rank]->Barrier();
          });
        }
        for (std::thread& thread : threads) thread.join();
        for (const Status& status : statuses) {
          EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
          EXPECT_THAT(status.message(),
                      AllOf(HasSubstr("calls differ"), testing::EndsWith("through a mover")));
        }
      }
    }
  }
}

}  // namespace
}  // namespace flexmig::coll
