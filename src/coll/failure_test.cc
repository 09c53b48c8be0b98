#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host_communicator.h"
#include "thread_ranks.h"

// How a communicator ends, with ranks that are threads over one mapping. Deaths of processes are in
// tests/multiproc.
namespace flexmig::coll {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSlotBytes = 1024;

// Runs body(rank) in a thread for each rank and returns what each got.
template <typename Body>
std::vector<Status> StatusOfEach(std::vector<std::unique_ptr<HostCommunicator>>& ranks, Body body) {
  std::vector<Status> statuses(ranks.size());
  std::vector<std::thread> threads;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    threads.emplace_back(
        [&, rank] { statuses[rank] = body(static_cast<int>(rank), *ranks[rank]); });
  }
  for (std::thread& thread : threads) thread.join();
  return statuses;
}

void ExpectAll(const std::vector<Status>& statuses, StatusCode code,
               const testing::Matcher<const std::string&>& message) {
  for (const Status& status : statuses) {
    EXPECT_EQ(status.code(), code) << status.ToString();
    EXPECT_THAT(status.message(), message);
    EXPECT_EQ(status, statuses.front());
  }
}

Status Sum(HostCommunicator& communicator, size_t count) {
  std::vector<float> data(count);
  return communicator.AllReduce(std::span(data), ReduceOp::kSum);
}

TEST(MismatchTest, DifferentCountsAreNamedOnEveryRank) {
  auto ranks = MakeThreadRanks(3, kSlotBytes);
  const auto statuses = StatusOfEach(ranks, [](int rank, HostCommunicator& communicator) {
    return Sum(communicator, rank == 2 ? 11 : 10);
  });
  ExpectAll(statuses, StatusCode::kInvalidArgument,
            AllOf(HasSubstr("call 1 of rank"), HasSubstr("AllReduce(count 10, float32, sum)"),
                  HasSubstr("rank 2 is AllReduce(count 11, float32, sum)")));
}

// Also where one of the ranks would take the pipelined algorithm and another the one-shot one.
TEST(MismatchTest, EveryPartOfTheCallIsCompared) {
  struct Variant {
    const char* text;
    std::function<Status(HostCommunicator&)> call;
  };
  std::vector<int64_t> a(4000);
  std::vector<int64_t> b(8000);
  const auto buffers = [&](HostCommunicator& c) { return c.rank() == 0 ? a.data() : b.data(); };
  const Variant variants[] = {
      {"AllReduce(count 1000, float32, sum)",
       [&](HostCommunicator& c) {
         return c.AllReduce(buffers(c), buffers(c), 1000, DataType::kFloat32, ReduceOp::kSum);
       }},
      {"AllReduce(count 5, float32, sum)",
       [&](HostCommunicator& c) {
         return c.AllReduce(buffers(c), buffers(c), 5, DataType::kFloat32, ReduceOp::kSum);
       }},
      {"AllReduce(count 0, float32, sum)",
       [&](HostCommunicator& c) {
         return c.AllReduce(nullptr, nullptr, 0, DataType::kFloat32, ReduceOp::kSum);
       }},
      {"AllReduce(count 1000, int32, sum)",
       [&](HostCommunicator& c) {
         return c.AllReduce(buffers(c), buffers(c), 1000, DataType::kInt32, ReduceOp::kSum);
       }},
      {"AllReduce(count 1000, float32, max)",
       [&](HostCommunicator& c) {
         return c.AllReduce(buffers(c), buffers(c), 1000, DataType::kFloat32, ReduceOp::kMax);
       }},
      {"Broadcast(count 1000, float32, root 0)",
       [&](HostCommunicator& c) {
         return c.Broadcast(buffers(c), buffers(c), 1000, DataType::kFloat32, 0);
       }},
      {"Broadcast(count 1000, float32, root 1)",
       [&](HostCommunicator& c) {
         return c.Broadcast(buffers(c), buffers(c), 1000, DataType::kFloat32, 1);
       }},
      {"AllGather(count 1000, float32)",
       [&](HostCommunicator& c) {
         return c.AllGather(buffers(c), buffers(c), 1000, DataType::kFloat32);
       }},
      {"ReduceScatter(count 1000, float32, sum)",
       [&](HostCommunicator& c) {
         return c.ReduceScatter(buffers(c), buffers(c), 1000, DataType::kFloat32, ReduceOp::kSum);
       }},
      {"Barrier()", [](HostCommunicator& c) { return c.Barrier(); }},
  };
  for (const Variant& one : variants) {
    for (const Variant& other : variants) {
      if (&one == &other) continue;
      auto ranks = MakeThreadRanks(2, kSlotBytes);
      const auto statuses = StatusOfEach(ranks, [&](int rank, HostCommunicator& communicator) {
        const Status status = rank == 0 ? one.call(communicator) : other.call(communicator);
        // Of two roots each may be done before it hears of the other.
        return status.ok() ? communicator.Barrier() : status;
      });
      ExpectAll(statuses, StatusCode::kInvalidArgument,
                AllOf(HasSubstr(std::string("of rank 0 is ") + one.text),
                      HasSubstr(std::string("of rank 1 is ") + other.text)));
    }
  }
}

TEST(BadArgumentTest, EndsTheCommunicatorOnEveryRank) {
  const std::function<Status(HostCommunicator&)> calls[] = {
      [](HostCommunicator& c) {
        float x = 0;
        return c.AllReduce(nullptr, &x, 1, DataType::kFloat32, ReduceOp::kSum);
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.AllReduce(&x, nullptr, 1, DataType::kFloat32, ReduceOp::kSum);
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.AllReduce(&x, &x, 1, static_cast<DataType>(77), ReduceOp::kSum);
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.AllReduce(&x, &x, 1, DataType::kFloat32, static_cast<ReduceOp>(77));
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.AllGather(&x, &x, std::numeric_limits<size_t>::max() / 4, DataType::kFloat32);
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.Broadcast(&x, &x, 1, DataType::kFloat32, 2);
      },
      [](HostCommunicator& c) {
        float x = 0;
        return c.Broadcast(&x, &x, 1, DataType::kFloat32, -1);
      },
      [](HostCommunicator& c) { return c.Broadcast(nullptr, nullptr, 1, DataType::kFloat32, 0); },
  };
  for (const auto& call : calls) {
    auto ranks = MakeThreadRanks(2, kSlotBytes);
    const auto statuses = StatusOfEach(ranks, [&](int rank, HostCommunicator& communicator) {
      return rank == 0 ? call(communicator) : communicator.Barrier();
    });
    ExpectAll(statuses, StatusCode::kInvalidArgument, HasSubstr("rank 0, call 1, "));
  }
}

TEST(TimeoutTest, NamesTheRankThatDidNotCome) {
  const milliseconds timeout(100);
  auto ranks = MakeThreadRanks(3, kSlotBytes, timeout);
  const auto begin = std::chrono::steady_clock::now();
  const auto statuses = StatusOfEach(ranks, [&](int rank, HostCommunicator& communicator) {
    if (rank != 1) return Sum(communicator, 5000);
    std::this_thread::sleep_for(4 * timeout);
    return Sum(communicator, 5000);  // too late
  });
  const auto took = std::chrono::steady_clock::now() - begin;
  ExpectAll(statuses, StatusCode::kDeadlineExceeded,
            AllOf(HasSubstr("rank 1 (process"), HasSubstr("did not arrive within 100 ms"),
                  HasSubstr("call 1, AllReduce(count 5000, float32, sum)")));
  EXPECT_GE(took, timeout);
  EXPECT_LT(took, std::chrono::seconds(20));
}

TEST(AbortTest, InterruptsPendingCallsOnEveryRank) {
  auto ranks = MakeThreadRanks(3, kSlotBytes);
  std::chrono::steady_clock::time_point aborted;
  const auto statuses = StatusOfEach(ranks, [&](int rank, HostCommunicator& communicator) {
    if (rank != 2) return Sum(communicator, 3);
    std::this_thread::sleep_for(milliseconds(30));  // until the others sleep in their waits
    aborted = std::chrono::steady_clock::now();
    communicator.Abort("no more data");
    return Sum(communicator, 3);
  });
  // 100 ms are promised; the rest is for a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - aborted, milliseconds(2000));
  ExpectAll(statuses, StatusCode::kAborted, "rank 2 aborted: no more data");
}

TEST(AbortTest, FirstErrorStaysForEver) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  ranks[1]->Abort("first");
  ranks[0]->Abort("second");
  ranks[1]->Abort("third");
  for (int call = 0; call < 3; ++call) {
    for (auto& rank : ranks) {
      EXPECT_EQ(rank->Barrier(), AbortedError("rank 1 aborted: first"));
      EXPECT_EQ(Sum(*rank, 1), AbortedError("rank 1 aborted: first"));
    }
  }
}

TEST(DepartureTest, ResultsThatNeedTheDepartedNoMoreStayGood) {
  auto ranks = MakeThreadRanks(2, kSlotBytes);
  std::vector<float> big(10'000, 1.0f);
  std::thread leaver([&] {
    std::vector<float> own(big);
    EXPECT_EQ(ranks[1]->AllReduce(std::span(own), ReduceOp::kSum), OkStatus());
    ranks[1].reset();
  });
  EXPECT_EQ(ranks[0]->AllReduce(std::span(big), ReduceOp::kSum), OkStatus());
  leaver.join();
  EXPECT_EQ(big, std::vector<float>(10'000, 2.0f));
  const Status next = ranks[0]->Barrier();
  EXPECT_EQ(next.code(), StatusCode::kAborted);
  EXPECT_THAT(next.message(), AllOf(HasSubstr("rank 1 (process"),
                                    HasSubstr("destroyed its communicator"), HasSubstr("call 2")));
}

TEST(DepartureTest, EndsAWaitForSomebodyElse) {
  auto ranks = MakeThreadRanks(3, kSlotBytes);
  ranks[2].reset();
  // Rank 1 never comes, and rank 0 looks for it first; but rank 2 alone settles it.
  EXPECT_THAT(ranks[0]->Barrier().message(), HasSubstr("rank 2 (process"));
}

}  // namespace
}  // namespace flexmig::coll
