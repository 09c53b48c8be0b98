#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

#include "bound.h"
#include "rank_processes.h"

// Every way in which a communicator ends, in every way in which data move: what each rank gets,
// and not before and not after when.
namespace flexmig::multiproc {
namespace {

using coll::Communicator;
using coll::DataType;
using coll::ReduceOp;
using coll::Transfer;
using std::chrono::milliseconds;
using test::Bound;
using testing::AllOf;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr int kRanks = 3;

size_t EntriesIn(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0 : static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

enum class Work { kSmall, kStaged, kPulled, kShared, kExchange };

std::string NameOf(Work work) {
  switch (work) {
    case Work::kSmall: return "Small";
    case Work::kStaged: return "Staged";
    case Work::kPulled: return "Pulled";
    case Work::kShared: return "Shared";
    case Work::kExchange: break;
  }
  return "Exchange";
}

// For the test's name.
void PrintTo(Work work, std::ostream* out) { *out << NameOf(work); }

// A call that needs every rank, to be made again and again.
class Worker {
 public:
  Worker(Work work, Communicator& communicator) : work_(work), communicator_(communicator) {}

  // AllocateShared's, if the work needs it.
  Status Prepare() {
    if (work_ != Work::kShared) return OkStatus();
    FLEXMIG_ASSIGN_OR_RETURN(shared_, communicator_.AllocateShared(kFloats * sizeof(float)));
    return OkStatus();
  }
  // `more`: how many elements more than the other ranks say.
  Status Run(size_t more = 0) {
    const auto ranks = static_cast<size_t>(communicator_.world_size());
    switch (work_) {
      case Work::kSmall: return Reduce(data_.data(), 2 + more);
      case Work::kStaged: return Reduce(data_.data(), kFloats - 1 + more);
      case Work::kShared:
        return Reduce(reinterpret_cast<float*>(shared_.data()), kFloats - 1 + more);
      case Work::kPulled:
        all_.resize(kFloats);
        return communicator_.AllGather(data_.data(), all_.data(), kFloats / ranks - 1 + more,
                                       DataType::kFloat32);
      case Work::kExchange: break;
    }
    // More than a channel holds, around a circle.
    all_.resize(kFloats);
    const int next = (communicator_.rank() + 1) % communicator_.world_size();
    const int before = static_cast<int>(static_cast<size_t>(communicator_.rank()) + ranks - 1) %
                       communicator_.world_size();
    const Transfer group[] = {
        Transfer::Send(data_.data(), kFloats / 4 + more, DataType::kFloat32, next),
        Transfer::Receive(all_.data(), kFloats / 4, DataType::kFloat32, before)};
    return communicator_.Exchange(group);
  }
  // Until an error comes, which it reports, and which stays.
  void RunUntilError(RankReport& report) {
    for (uint64_t call = 1;; ++call) {
      const Status status = Run();
      if (!status.ok()) {
        Report(status, report);
        return;
      }
      report.progress.store(call);
    }
  }
  void Report(const Status& status, RankReport& report) {
    report.Fail(status);
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(communicator_.Barrier(), status);
      EXPECT_EQ(Run(), status);
      EXPECT_EQ(communicator_.AllocateShared(10).status(), status);
      EXPECT_EQ(communicator_.status(), status);
    }
  }

 private:
  // 1.5 MB: in the range of the pulled forms.
  static constexpr size_t kFloats = 393'216;

  Status Reduce(float* data, size_t count) {
    return communicator_.AllReduce(data, data, count, DataType::kFloat32, ReduceOp::kMax);
  }

  const Work work_;
  Communicator& communicator_;
  std::vector<float> data_ = std::vector<float>(kFloats, 1.0f);
  std::vector<float> all_;
  std::span<std::byte> shared_;
};

// Runs `body` with a communicator and its worker in every rank; then no descriptor may be left.
using WorkerBody = std::function<void(Communicator&, Worker&, RankReport&)>;
RankProcesses::Body WithWorker(Work work, milliseconds timeout, const WorkerBody& body) {
  const std::string rendezvous = RandomHex(16);
  return [=](int rank, RankReport& report) {
    const size_t descriptors = EntriesIn("/proc/self/fd");
    {
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, kRanks, timeout));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      Worker worker(work, **communicator);
      const Status prepared = worker.Prepare();
      ASSERT_TRUE(prepared.ok()) << prepared.ToString();
      body(**communicator, worker, report);
      const auto begin = Clock::now();
      communicator->reset();
      EXPECT_LT(Clock::now() - begin, Bound(milliseconds(1000)));
    }
    EXPECT_EQ(EntriesIn("/proc/self/fd"), descriptors);
  };
}

class FailureTableTest : public testing::TestWithParam<Work> {
 protected:
  void TearDown() override {
    EXPECT_EQ(EntriesIn("/dev/shm"), shm_entries_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process is left";
  }

  const size_t shm_entries_ = EntriesIn("/dev/shm");
};

INSTANTIATE_TEST_SUITE_P(Works, FailureTableTest,
                         testing::Values(Work::kSmall, Work::kStaged, Work::kPulled, Work::kShared,
                                         Work::kExchange),
                         [](const auto& parameter) { return NameOf(parameter.param); });

TEST_P(FailureTableTest, KilledRankIsNamedWithinASecond) {
  SplitMix64 random(static_cast<uint64_t>(GetParam()));
  for (int victim = 0; victim < kRanks; ++victim) {
    RankProcesses ranks(kRanks, WithWorker(GetParam(), std::chrono::seconds(60),
                                           [](Communicator&, Worker& worker, RankReport& report) {
                                             worker.RunUntilError(report);
                                           }));
    ranks.AwaitProgress(victim, 1 + random.NextBelow(5));
    ::usleep(static_cast<useconds_t>(random.NextBelow(5000)));
    const auto killed = ranks.Signal(victim, SIGKILL);
    for (int rank = 0; rank < kRanks; ++rank) {
      if (rank == victim) continue;
      ASSERT_TRUE(ranks.Succeeded(rank));
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
      EXPECT_THAT(status.message(), HasSubstr(StrCat("rank ", victim, " (process ",
                                                     ranks.process(victim), ") died")));
      EXPECT_EQ(status, ranks.report(victim == 0 ? 1 : 0).status());
      EXPECT_GE(Delay(ranks.report(rank), killed).count(), 0);
      EXPECT_LT(Delay(ranks.report(rank), killed), Bound(milliseconds(1000)));
    }
  }
}

TEST_P(FailureTableTest, StoppedRankIsNamedAfterTheTimeoutAndNotBefore) {
  constexpr milliseconds kTimeout(400);
  constexpr int kVictim = 1;
  RankProcesses ranks(kRanks, WithWorker(GetParam(), kTimeout,
                                         [](Communicator&, Worker& worker, RankReport& report) {
                                           worker.RunUntilError(report);
                                         }));
  ranks.AwaitProgress(kVictim, 3);
  const auto stopped = ranks.Signal(kVictim, SIGSTOP);
  for (const int rank : {0, 2}) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr("within 400 ms"));
    EXPECT_THAT(status.message(), testing::StartsWith(StrCat("rank ", kVictim, " (process ",
                                                             ranks.process(kVictim), ")")));
    // The wait may have begun before the stop, if the victim was late on a busy machine.
    EXPECT_GT(Delay(ranks.report(rank), stopped), kTimeout / 2);
    EXPECT_LT(Delay(ranks.report(rank), stopped), kTimeout + Bound(milliseconds(1000)));
  }
  ranks.Signal(kVictim, SIGCONT);  // it learns the same when it goes on
  ASSERT_TRUE(ranks.Succeeded(kVictim));
  EXPECT_EQ(ranks.report(kVictim).status(), ranks.report(0).status());
}

TEST_P(FailureTableTest, AbortFromAnotherThreadEndsAllWaits) {
  RankProcesses ranks(
      kRanks, WithWorker(GetParam(), std::chrono::seconds(60),
                         [](Communicator& communicator, Worker& worker, RankReport& report) {
                           if (communicator.rank() != 2) return worker.RunUntilError(report);
                           for (int call = 0; call < 3; ++call) ASSERT_EQ(worker.Run(), OkStatus());
                           // Ranks 0 and 1 now wait for a call that rank 2 never makes.
                           std::thread watchdog([&] {
                             std::this_thread::sleep_for(milliseconds(50));
                             report.progress.store(
                                 static_cast<uint64_t>(Clock::now().time_since_epoch().count()));
                             communicator.Abort("watchdog");
                           });
                           watchdog.join();
                           worker.Report(communicator.Barrier(), report);
                         }));
  for (int rank = 0; rank < kRanks; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    EXPECT_EQ(ranks.report(rank).status(), AbortedError("rank 2 aborted: watchdog"));
  }
  const Clock::time_point aborted{
      Clock::duration(static_cast<int64_t>(ranks.report(2).progress.load()))};
  for (const int rank : {0, 1}) {
    EXPECT_GE(Delay(ranks.report(rank), aborted).count(), 0);
    // 100 ms are promised; the rest is for a busy machine.
    EXPECT_LT(Delay(ranks.report(rank), aborted), Bound(milliseconds(500)));
  }
}

TEST_P(FailureTableTest, MismatchedCallsAreNamedOnEveryRankAtOnce) {
  RankProcesses ranks(
      kRanks, WithWorker(GetParam(), std::chrono::seconds(60),
                         [](Communicator& communicator, Worker& worker, RankReport& report) {
                           ASSERT_EQ(worker.Run(), OkStatus());
                           report.progress.store(
                               static_cast<uint64_t>(Clock::now().time_since_epoch().count()));
                           Status status = worker.Run(communicator.rank() == 1 ? 1 : 0);
                           if (status.ok()) status = communicator.Barrier();
                           worker.Report(status, report);
                         }));
  Clock::time_point last{};
  for (int rank = 0; rank < kRanks; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    last = std::max(last, Clock::time_point{Clock::duration(
                              static_cast<int64_t>(ranks.report(rank).progress.load()))});
  }
  for (int rank = 0; rank < kRanks; ++rank) {
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    EXPECT_THAT(status.message(),
                GetParam() == Work::kExchange
                    ? AllOf(HasSubstr("rank 1 sends 98305 elements of float32 to rank 2"),
                            HasSubstr("receives 98304 of float32"))
                    : AllOf(HasSubstr("of rank 1 is"), HasSubstr("the ranks' calls differ")));
    EXPECT_EQ(status, ranks.report(0).status());
    EXPECT_LT(Delay(ranks.report(rank), last), Bound(milliseconds(1000)));
  }
}

// After the death the survivors go on without the dead, at once.
TEST_P(FailureTableTest, SurvivorsShrinkAndGoOn) {
  constexpr int kVictim = 1;
  RankProcesses ranks(
      kRanks, WithWorker(GetParam(), std::chrono::seconds(60),
                         [](Communicator& communicator, Worker& worker, RankReport& report) {
                           worker.RunUntilError(report);
                           const int gone[] = {kVictim};
                           auto smaller = communicator.Shrink(gone);
                           ASSERT_TRUE(smaller.ok()) << smaller.status().ToString();
                           Worker next(GetParam(), **smaller);
                           ASSERT_EQ(next.Prepare(), OkStatus());
                           for (int call = 0; call < 5; ++call) ASSERT_EQ(next.Run(), OkStatus());
                           std::vector<int32_t> sum{communicator.rank()};
                           ASSERT_EQ((*smaller)->AllReduce(std::span(sum), ReduceOp::kSum),
                                     OkStatus());
                           EXPECT_EQ(sum[0], 2);
                           report.progress.store(
                               static_cast<uint64_t>(Clock::now().time_since_epoch().count()));
                         }));
  ranks.AwaitProgress(kVictim, 2);
  const auto killed = ranks.Signal(kVictim, SIGKILL);
  for (const int rank : {0, 2}) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Clock::time_point done{
        Clock::duration(static_cast<int64_t>(ranks.report(rank).progress.load()))};
    EXPECT_LT(done - killed, Bound(milliseconds(3000)));
  }
}

// Of two roots each sends and returns; the next call that waits for everybody finds out.
TEST(RootedMismatchTest, IsFoundInALaterCall) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(2, [&](int rank, RankReport& report) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, 2));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    std::vector<float> data(50);
    const Status early = (*communicator)->Broadcast(std::span(data), rank);
    ASSERT_TRUE(early.ok() || early.code() == StatusCode::kInvalidArgument) << early.ToString();
    report.Fail((*communicator)->AllReduce(std::span(data), ReduceOp::kSum));
  });
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    EXPECT_EQ(status.message(),
              "the ranks' calls differ: call 1 of rank 0 is Broadcast(count 50, float32, root 0), "
              "of rank 1 is Broadcast(count 50, float32, root 1)");
  }
}

// A rank that dies between two meetings of the others, or in one.
TEST(AllocatingRanksTest, KilledRankIsNamedWithinASecond) {
  SplitMix64 random(4);
  for (int round = 0; round < (kSanitized ? 6 : 12); ++round) {
    const int victim = round % kRanks;
    const std::string rendezvous = RandomHex(16);
    RankProcesses ranks(kRanks, [&](int rank, RankReport& report) {
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, kRanks));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      for (uint64_t call = 1;; ++call) {
        const auto memory = (*communicator)->AllocateShared(8192);
        const Status status = memory.ok() ? (*communicator)->FreeShared(*memory) : memory.status();
        if (!status.ok()) return report.Fail(status);
        report.progress.store(call);
      }
    });
    ranks.AwaitProgress(victim, 2);
    ::usleep(static_cast<useconds_t>(random.NextBelow(3000)));
    const auto killed = ranks.Signal(victim, SIGKILL);
    for (int rank = 0; rank < kRanks; ++rank) {
      if (rank == victim) continue;
      ASSERT_TRUE(ranks.Succeeded(rank));
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kAborted) << status.ToString();
      EXPECT_THAT(status.message(), HasSubstr(StrCat("rank ", victim, " (process ")));
      EXPECT_LT(Delay(ranks.report(rank), killed), Bound(milliseconds(1000)));
    }
  }
}

// Two ranks only: a third one that came after the refusal would wait for its own connect_timeout.
TEST(BootstrapTest, TwoRanksOnOneLeafAreRefusedNamingBoth) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(2, [&](int rank, RankReport& report) {
    auto options = OptionsFor(rendezvous, rank, 2);
    options.leaf = "MIG-0";
    report.Fail(Communicator::Create(options).status());
  });
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    const Status status = ranks.report(rank).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
    EXPECT_THAT(status.message(), AllOf(HasSubstr("leaf MIG-0 is taken twice, by rank 0 (process"),
                                        HasSubstr("and by rank 1")));
  }
}

TEST(BootstrapTest, RankThatComesLateIsWaitedFor) {
  for (const int late : {0, 2}) {
    const std::string rendezvous = RandomHex(16);
    RankProcesses ranks(kRanks, [&](int rank, RankReport&) {
      if (rank == late) std::this_thread::sleep_for(milliseconds(300));
      auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, kRanks));
      ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
      EXPECT_EQ((*communicator)->Barrier(), OkStatus());
    });
    for (int rank = 0; rank < kRanks; ++rank) EXPECT_TRUE(ranks.Succeeded(rank));
  }
}

TEST(BootstrapTest, RankThatNeverComesIsNamedAfterTheTimeoutAndNotBefore) {
  constexpr milliseconds kTimeout(400);
  for (const int absent : {0, 1}) {
    const std::string rendezvous = RandomHex(16);
    const auto begin = Clock::now();
    RankProcesses ranks(kRanks, [&](int rank, RankReport& report) {
      if (rank == absent) return;
      auto options = OptionsFor(rendezvous, rank, kRanks);
      options.connect_timeout = kTimeout;
      report.Fail(Communicator::Create(options).status());
    });
    for (int rank = 0; rank < kRanks; ++rank) {
      ASSERT_TRUE(ranks.Succeeded(rank));
      if (rank == absent) continue;
      const Status status = ranks.report(rank).status();
      EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
      EXPECT_THAT(status.message(), AllOf(HasSubstr(StrCat("rank ", absent, " did not come")),
                                          HasSubstr("within 400 ms")));
      // A guest may hear it from a host that began to wait before it.
      EXPECT_GT(Delay(ranks.report(rank), begin), kTimeout / 2);
      EXPECT_LT(Delay(ranks.report(rank), begin), kTimeout + Bound(milliseconds(1000)));
    }
  }
}

// --- What a wait costs ---

std::chrono::microseconds ProcessorTime() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

enum class Wait { kBarrier, kReceive, kReceiveFromTwo };

// For the test's name.
void PrintTo(Wait wait, std::ostream* out) {
  switch (wait) {
    case Wait::kBarrier: *out << "Barrier"; return;
    case Wait::kReceive: *out << "Receive"; return;
    case Wait::kReceiveFromTwo: *out << "ReceiveFromTwo"; return;
  }
}

class IdleWaitTest : public testing::TestWithParam<std::tuple<int, Wait>> {};
INSTANTIATE_TEST_SUITE_P(RanksAndWaits, IdleWaitTest,
                         testing::Combine(testing::Values(2, 4),
                                          testing::Values(Wait::kBarrier, Wait::kReceive,
                                                          Wait::kReceiveFromTwo)));

// All wait for the last rank, 2 s; with four ranks also for each other.
TEST_P(IdleWaitTest, TakesLessThanAHundredthOfAProcessor) {
  constexpr milliseconds kIdle(2000);
  const auto [world_size, wait] = GetParam();
  const int last = world_size - 1;
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(world_size, [&, wait = wait, size = world_size](int rank, RankReport&) {
    auto communicator = Communicator::Create(OptionsFor(rendezvous, rank, size));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    Communicator& c = **communicator;
    ASSERT_EQ(c.Barrier(), OkStatus());
    int32_t value = 0;
    if (rank == last) {
      std::this_thread::sleep_for(kIdle);
      std::vector<Transfer> sends;
      for (int peer = 0; peer < last; ++peer) {
        for (int i = 0; i < (wait == Wait::kReceiveFromTwo ? 2 : 1); ++i) {
          sends.push_back(Transfer::Send(&value, 1, DataType::kInt32, peer));
        }
      }
      ASSERT_EQ(wait == Wait::kBarrier ? c.Barrier() : c.Exchange(sends), OkStatus());
      return;
    }
    const auto begin = Clock::now();
    const auto used_before = ProcessorTime();
    if (wait == Wait::kBarrier) {
      ASSERT_EQ(c.Barrier(), OkStatus());
    } else {
      const std::vector<Transfer> receives(wait == Wait::kReceiveFromTwo ? 2 : 1,
                                           Transfer::Receive(&value, 1, DataType::kInt32, last));
      ASSERT_EQ(c.Exchange(receives), OkStatus());
    }
    const auto used = ProcessorTime() - used_before;
    EXPECT_GT(Clock::now() - begin, kIdle / 2);
    EXPECT_LT(used, Bound(kIdle / 100)) << "of " << kIdle.count() << " ms";
    std::printf("rank %d of %d, wait %d: %.3f ms of processor in %lld ms\n", rank, size,
                static_cast<int>(wait), static_cast<double>(used.count()) / 1000,
                static_cast<long long>(kIdle.count()));
  });
  for (int rank = 0; rank < world_size; ++rank) EXPECT_TRUE(ranks.Succeeded(rank));
}

}  // namespace
}  // namespace flexmig::multiproc
