// How communicators begin, part, and end: also by abort, by death, and never having begun.

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "nccl_ranks.h"

namespace flexmig::nccl_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AnyOf;
using testing::HasSubstr;

class NcclLifeTest : public testing::Test {
 protected:
  const LeafNode node_{"a100x1"};
};

void ExpectSum(ncclComm_t comm, int32_t own, int32_t expected) {
  const UserStream stream;
  const Ints data(std::vector<int32_t>{own});
  ASSERT_NCCL(
      Nccl().AllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, comm, StreamOf(stream)));
  stream.Synchronize();
  EXPECT_EQ(data.Read()[0], expected);
}

TEST_F(NcclLifeTest, HundredCommunicatorsComeAndGo) {
  std::vector<ncclUniqueId> ids(100);
  for (ncclUniqueId& id : ids) id = NewId();
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, rank);
    for (const ncclUniqueId& id : ids) {
      ncclComm_t comm = nullptr;
      ASSERT_NCCL(Nccl().CommInitRank(&comm, 2, id, rank));
      ExpectSum(comm, rank, 1);
      ASSERT_NCCL(Nccl().CommFinalize(comm));
      ASSERT_NCCL(Nccl().CommDestroy(comm));
      EXPECT_EQ(Nccl().CommDestroy(comm), ncclInvalidArgument);
    }
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

TEST_F(NcclLifeTest, FinalizedOneTakesNothingMore) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int) {
    ExpectSum(comm, 1, 2);
    EXPECT_NCCL(Nccl().CommFinalize(comm));
    EXPECT_EQ(Nccl().CommFinalize(comm), ncclInvalidUsage);
    EXPECT_EQ(Nccl().AllReduce(nullptr, nullptr, 0, ncclInt32, ncclSum, comm, nullptr),
              ncclInvalidUsage);
    EXPECT_EQ(Settled(comm), ncclSuccess);
  });
}

TEST_F(NcclLifeTest, NonBlockingOneIsPolled) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, rank);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    ncclComm_t comm = nullptr;
    if (rank == 1) std::this_thread::sleep_for(milliseconds(100));
    EXPECT_EQ(Nccl().CommInitRankConfig(&comm, 2, id, rank, &config), ncclInProgress);
    ASSERT_NE(comm, nullptr);
    if (rank == 0) {
      // The other one is not here yet.
      ncclResult_t state = ncclSuccess;
      EXPECT_NCCL(Nccl().CommGetAsyncError(comm, &state));
      EXPECT_EQ(state, ncclInProgress);
      int count = 0;
      EXPECT_EQ(Nccl().CommCount(comm, &count), ncclInvalidArgument);
      EXPECT_EQ(Nccl().AllReduce(nullptr, nullptr, 0, ncclInt32, ncclSum, comm, nullptr),
                ncclInvalidArgument);
      EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr("has not ended yet"));
    }
    ASSERT_EQ(Settled(comm), ncclSuccess);
    ExpectSum(comm, rank, 1);
    // The child inherits the configuration.
    ncclComm_t child = nullptr;
    EXPECT_EQ(Nccl().CommSplit(comm, 0, -rank, &child, nullptr), ncclInProgress);
    ASSERT_EQ(Settled(child), ncclSuccess);
    ASSERT_EQ(Settled(comm), ncclSuccess);
    int child_rank = -1;
    EXPECT_NCCL(Nccl().CommUserRank(child, &child_rank));
    EXPECT_EQ(child_rank, 1 - rank);
    EXPECT_EQ(Nccl().CommFinalize(child), ncclInProgress);
    EXPECT_EQ(Settled(child), ncclSuccess);
    EXPECT_NCCL(Nccl().CommDestroy(child));
    EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

TEST_F(NcclLifeTest, AbortEndsAnInitialisationThatWaits) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(1, [&](int, RankReport&) {
    BecomeRank(node_, 0);
    for (const int rank : {0, 1}) {
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      config.blocking = 0;
      ncclComm_t comm = nullptr;
      EXPECT_EQ(Nccl().CommInitRankConfig(&comm, 2, id, rank, &config), ncclInProgress);
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_NCCL(Nccl().CommAbort(comm));
      EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
      EXPECT_EQ(Nccl().CommAbort(comm), ncclInvalidArgument);
    }
  });
  EXPECT_TRUE(processes.Succeeded(0));
}

TEST_F(NcclLifeTest, MissingRankIsNamedWhenTheTimeIsUp) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(1, [&](int, RankReport&) {
    BecomeRank(node_, 0, {{"FLEXMIG_TIMEOUT", "300ms"}});
    ncclComm_t comm = reinterpret_cast<ncclComm_t>(uintptr_t{1});
    EXPECT_EQ(Nccl().CommInitRank(&comm, 2, id, 0), ncclSystemError);
    EXPECT_EQ(comm, nullptr);
    EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr("rank 1 did not come within 300 ms"));
  });
  EXPECT_TRUE(processes.Succeeded(0));
}

TEST_F(NcclLifeTest, TwoRanksOnOneLeafAreRefusedByName) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, 3);
    ncclComm_t comm = nullptr;
    EXPECT_EQ(Nccl().CommInitRank(&comm, 2, id, rank), ncclInvalidArgument);
    EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr(node_.leaf(3)));
    EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr("is taken twice"));
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

// Its abstract sockets are others': it would wait for ranks that it cannot see.
TEST_F(NcclLifeTest, RankInAnotherNetworkNamespaceIsRefusedAtOnce) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(1, [&](int, RankReport& report) {
    if (::unshare(CLONE_NEWNET) != 0) {
      report.Fail(PermissionDeniedError("no new network namespace"));
      return;
    }
    BecomeRank(node_, 0);
    ncclComm_t comm = nullptr;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(Nccl().CommInitRank(&comm, 2, id, 0), ncclInvalidUsage);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
    EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr("in another network namespace"));
    EXPECT_EQ(comm, nullptr);
  });
  EXPECT_TRUE(processes.Succeeded(0));
  if (!processes.report(0).status().ok()) {
    GTEST_SKIP() << "this user may not make a network namespace";
  }
}

TEST_F(NcclLifeTest, ScalableInitialisationTakesSeveralIds) {
  const ncclUniqueId ids[] = {NewId(), NewId()};
  RankProcesses processes(3, [&](int rank, RankReport&) {
    BecomeRank(node_, rank);
    ncclUniqueId given[] = {ids[0], ids[1]};
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRankScalable(&comm, 3, rank, 2, given, nullptr));
    ExpectSum(comm, 1, 3);
    EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < 3; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

TEST_F(NcclLifeTest, InitAllIsACommunicatorForEachDeviceOfTheProcess) {
  RankProcesses processes(1, [&](int, RankReport&) {
    BecomeRank(node_, 0);
    ncclComm_t comms[1] = {};
    ASSERT_NCCL(Nccl().CommInitAll(comms, 1, nullptr));
    ExpectSum(comms[0], 7, 7);
    EXPECT_NCCL(Nccl().CommDestroy(comms[0]));
    ncclComm_t more[2] = {};
    const int same[] = {0, 0};
    EXPECT_EQ(Nccl().CommInitAll(more, 2, nullptr), ncclInvalidArgument);
    EXPECT_EQ(Nccl().CommInitAll(more, 2, same), ncclInvalidUsage);
    EXPECT_EQ(more[0], nullptr);
  });
  EXPECT_TRUE(processes.Succeeded(0));
}

TEST_F(NcclLifeTest, SplitByColorAndWithout) {
  RunNcclRanks(node_, 5, [](ncclComm_t comm, int rank) {
    ncclComm_t child = nullptr;
    // Ranks 0, 2 and 3, 1; rank 4 stays away.
    const int color = rank == 4 ? NCCL_SPLIT_NOCOLOR : rank % 2;
    ASSERT_NCCL(Nccl().CommSplit(comm, color, -rank, &child, nullptr));
    if (rank == 4) {
      EXPECT_EQ(child, nullptr);
    } else {
      int child_rank = -1;
      EXPECT_NCCL(Nccl().CommUserRank(child, &child_rank));
      EXPECT_EQ(child_rank, rank >= 2 ? 0 : 1);
      ExpectSum(child, rank, color == 0 ? 2 : 4);
      EXPECT_NCCL(Nccl().CommDestroy(child));
    }
    EXPECT_EQ(Nccl().CommSplit(comm, -7, 0, &child, nullptr), ncclInvalidArgument);
    EXPECT_EQ(Nccl().CommSplit(comm, 0, 0, nullptr, nullptr), ncclInvalidArgument);
    ExpectSum(comm, 1, 5);
  });
}

TEST_F(NcclLifeTest, SplitsOfOneGroupRunTogether) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    ncclComm_t other = nullptr;
    ASSERT_NCCL(Nccl().CommSplit(comm, 0, 0, &other, nullptr));
    ncclComm_t children[2] = {};
    ASSERT_NCCL(Nccl().GroupStart());
    // In opposite orders.
    ASSERT_NCCL(Nccl().CommSplit(rank == 0 ? comm : other, 1, 0, &children[rank], nullptr));
    ASSERT_NCCL(Nccl().CommSplit(rank == 0 ? other : comm, 1, 0, &children[1 - rank], nullptr));
    ASSERT_NCCL(Nccl().GroupEnd());
    for (const ncclComm_t child : children) {
      ExpectSum(child, 1, 2);
      EXPECT_NCCL(Nccl().CommDestroy(child));
    }
    EXPECT_NCCL(Nccl().CommDestroy(other));
  });
}

TEST_F(NcclLifeTest, ShrinkOfAHealthyOne) {
  RunNcclRanks(node_, 4, [](ncclComm_t comm, int rank) {
    int gone[] = {1};
    ncclComm_t child = nullptr;
    if (rank == 1) {
      EXPECT_EQ(Nccl().CommShrink(comm, gone, 1, &child, nullptr, NCCL_SHRINK_DEFAULT),
                ncclInvalidArgument);
      return;
    }
    ASSERT_NCCL(Nccl().CommShrink(comm, gone, 1, &child, nullptr, NCCL_SHRINK_DEFAULT));
    int count = 0;
    EXPECT_NCCL(Nccl().CommCount(child, &count));
    EXPECT_EQ(count, 3);
    ExpectSum(child, rank, 5);
    EXPECT_NCCL(Nccl().CommDestroy(child));
    EXPECT_EQ(Nccl().CommShrink(comm, gone, 0, &child, nullptr, 0), ncclInvalidArgument);
    EXPECT_EQ(Nccl().CommShrink(comm, gone, 1, &child, nullptr, 4), ncclInvalidArgument);
  });
}

TEST_F(NcclLifeTest, RevokedOneIsQuietAndStillAParent) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    ExpectSum(comm, 1, 2);
    // A receive that nobody answers.
    const UserStream stream;
    const Ints data(4);
    // The other rank may have revoked it before.
    EXPECT_THAT(Nccl().Recv(data.data(), 4, ncclInt32, 1 - rank, comm, StreamOf(stream)),
                AnyOf(ncclSuccess, ncclRemoteError));
    EXPECT_EQ(Nccl().CommRevoke(comm, 1), ncclInvalidArgument);
    EXPECT_NCCL(Nccl().CommRevoke(comm, NCCL_REVOKE_DEFAULT));
    stream.Synchronize();
    EXPECT_EQ(Settled(comm), ncclSuccess);
    EXPECT_EQ(Nccl().AllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, comm, nullptr),
              ncclInvalidUsage);
    EXPECT_EQ(Nccl().CommFinalize(comm), ncclInvalidUsage);
    ncclComm_t child = nullptr;
    ASSERT_NCCL(Nccl().CommSplit(comm, 0, -rank, &child, nullptr));
    ExpectSum(child, 1, 2);
    EXPECT_NCCL(Nccl().CommDestroy(child));
  });
}

// As torch's watchdog does it: the main thread waits for a stream, another one aborts.
TEST_F(NcclLifeTest, WatchdogAbortsWhileAnotherThreadWaits) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, rank);
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, 2, id, rank));
    const UserStream stream;
    const Ints data(4);
    ASSERT_NCCL(Nccl().Recv(data.data(), 4, ncclInt32, 1 - rank, comm, StreamOf(stream)));
    if (rank == 0) {
      std::thread watchdog([&] {
        std::this_thread::sleep_for(milliseconds(100));
        ncclResult_t state = ncclInternalError;
        EXPECT_NCCL(Nccl().CommGetAsyncError(comm, &state));
        EXPECT_EQ(state, ncclSuccess);
        EXPECT_NCCL(Nccl().CommAbort(comm));
      });
      stream.Synchronize();
      watchdog.join();
    } else {
      // The peer's abort ends it here too, and says so.
      stream.Synchronize();
      ncclResult_t state = ncclSuccess;
      const Deadline deadline = Deadline::After(seconds(20));
      while (state == ncclSuccess && !deadline.HasPassed()) {
        EXPECT_NCCL(Nccl().CommGetAsyncError(comm, &state));
      }
      EXPECT_EQ(state, ncclRemoteError);
      EXPECT_THAT(Nccl().GetLastError(comm), HasSubstr("rank 0"));
      EXPECT_EQ(Nccl().AllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, comm, nullptr),
                ncclRemoteError);
      EXPECT_NCCL(Nccl().CommAbort(comm));
    }
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

// A killed rank is named within a second; the others part with it and go on.
TEST_F(NcclLifeTest, KilledRankIsNamedAndTheOthersShrink) {
  const ncclUniqueId id = NewId();
  RankProcesses processes(3, [&](int rank, RankReport& report) {
    BecomeRank(node_, rank);
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, 3, id, rank));
    ExpectSum(comm, 1, 3);
    ++report.progress;
    if (rank == 1) ::sleep(100);  // until it is killed
    const UserStream stream;
    const Ints data(1000);
    ASSERT_NCCL(Nccl().AllReduce(data.data(), data.data(), 1000, ncclInt32, ncclSum, comm,
                                 StreamOf(stream)));
    ncclResult_t state = ncclSuccess;
    const Deadline deadline = Deadline::After(seconds(60));
    while (state == ncclSuccess && !deadline.HasPassed()) {
      EXPECT_NCCL(Nccl().CommGetAsyncError(comm, &state));
      std::this_thread::sleep_for(milliseconds(1));
    }
    report.Fail(AbortedError(Nccl().GetLastError(comm)));
    EXPECT_EQ(state, ncclRemoteError);
    stream.Synchronize();
    int gone[] = {1};
    ncclComm_t child = nullptr;
    // Without the flag, a dead parent is an error.
    EXPECT_EQ(Nccl().CommShrink(comm, gone, 1, &child, nullptr, NCCL_SHRINK_DEFAULT),
              ncclRemoteError);
    ASSERT_NCCL(Nccl().CommShrink(comm, gone, 1, &child, nullptr, NCCL_SHRINK_ABORT));
    ExpectSum(child, rank, 2);
    EXPECT_NCCL(Nccl().CommDestroy(child));
    EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < 3; ++rank) processes.AwaitProgress(rank, 1);
  std::this_thread::sleep_for(milliseconds(100));
  const auto killed = processes.Signal(1, SIGKILL);
  for (const int rank : {0, 2}) {
    EXPECT_TRUE(processes.Succeeded(rank)) << rank;
    EXPECT_LT(Delay(processes.report(rank), killed), seconds(multiproc::kSanitized ? 5 : 1));
    EXPECT_THAT(processes.report(rank).status().message(), HasSubstr("rank 1"));
  }
}

// PyTorch's data loaders are forked from processes that have communicators.
TEST_F(NcclLifeTest, ForkedChildIsRefusedAndDoesNoHarm) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(20);
      ncclResult_t state = ncclSuccess;
      int count = 0;
      const bool refused = Nccl().CommGetAsyncError(comm, &state) == ncclInvalidUsage &&
                           Nccl().CommCount(comm, &count) == ncclInvalidUsage;
      const bool destroyed = Nccl().CommDestroy(comm) == ncclSuccess;
      ::_exit(refused && destroyed ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    ExpectSum(comm, 1, 2);
  });
}

TEST_F(NcclLifeTest, HostIdsAndCommIdsOfOneHostDoNotMatter) {
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, rank,
               {{"NCCL_HOSTID", "host-" + std::to_string(rank)},
                {"NCCL_COMM_ID", "127.0.0.1:" + std::to_string(20000 + ::getppid() % 20000)}});
    ncclUniqueId id;
    ASSERT_NCCL(Nccl().GetUniqueId(&id));  // each rank for itself
    ncclComm_t comm = nullptr;
    ASSERT_NCCL(Nccl().CommInitRank(&comm, 2, id, rank));
    ExpectSum(comm, 1, 2);
    EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

}  // namespace
}  // namespace flexmig::nccl_test
