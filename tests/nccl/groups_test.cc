// Groups: sends and receives in orders that would deadlock one by one, several communicators and
// streams, and groups of initialisations.

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nccl_ranks.h"

namespace flexmig::nccl_test {
namespace {

using testing::HasSubstr;

class NcclGroupsTest : public testing::Test {
 protected:
  const LeafNode node_{"a100x1"};
};

// Everybody sends first, and more than any buffer in between holds.
TEST_F(NcclGroupsTest, RingOfSendsAndReceives) {
  constexpr size_t kCount = 1'500'000;
  RunNcclRanks(node_, 3, [](ncclComm_t comm, int rank) {
    const UserStream stream;
    const Ints out(ValuesOf(rank, kCount));
    const Ints in(kCount);
    ASSERT_NCCL(Nccl().GroupStart());
    ASSERT_NCCL(Nccl().Send(out.data(), kCount, ncclInt32, (rank + 1) % 3, comm, StreamOf(stream)));
    ASSERT_NCCL(Nccl().Recv(in.data(), kCount, ncclInt32, (rank + 2) % 3, comm, StreamOf(stream)));
    ASSERT_NCCL(Nccl().GroupEnd());
    stream.Synchronize();
    EXPECT_EQ(in.Read(), ValuesOf((rank + 2) % 3, kCount));
  });
}

TEST_F(NcclGroupsTest, AllToAllOutOfSendsAndReceivesInAnyOrder) {
  constexpr int kRanks = 4;
  RunNcclRanks(node_, kRanks, [](ncclComm_t comm, int rank) {
    const UserStream stream;
    for (const size_t count : {size_t{0}, size_t{7}, size_t{40'000}}) {
      std::vector<int> order(kRanks);
      for (int i = 0; i < kRanks; ++i) order[static_cast<size_t>(i)] = (i * 3 + rank) % kRanks;
      const Ints out(ValuesOf(rank, kRanks * count));
      const Ints in(kRanks * count);
      ASSERT_NCCL(Nccl().GroupStart());
      for (const int peer : order) {
        const size_t at = static_cast<size_t>(peer) * count;
        const auto receive = [&] {
          return Nccl().Recv(in.data() + at, count, ncclInt32, peer, comm, StreamOf(stream));
        };
        const auto send = [&] {
          return Nccl().Send(out.data() + at, count, ncclInt32, peer, comm, StreamOf(stream));
        };
        if (rank % 2 == 0) EXPECT_NCCL(receive());
        EXPECT_NCCL(send());
        if (rank % 2 == 1) EXPECT_NCCL(receive());
      }
      ASSERT_NCCL(Nccl().GroupEnd());
      stream.Synchronize();
      std::vector<int32_t> expected;
      for (int peer = 0; peer < kRanks; ++peer) {
        const auto part = ValuesOf(peer, count, static_cast<size_t>(rank) * count);
        expected.insert(expected.end(), part.begin(), part.end());
      }
      EXPECT_EQ(in.Read(), expected) << count;
    }
  });
}

TEST_F(NcclGroupsTest, PingPongOutsideOfGroups) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    const UserStream stream;
    const Ints ball(std::vector<int32_t>(1000, 5));
    const Ints result(1000);
    for (int round = 0; round < 20; ++round) {
      const bool sends = (round + rank) % 2 == 0;
      if (sends) {
        ASSERT_NCCL(Nccl().Send(ball.data(), 1000, ncclInt32, 1 - rank, comm, StreamOf(stream)));
      } else {
        ASSERT_NCCL(Nccl().Recv(result.data(), 1000, ncclInt32, 1 - rank, comm, StreamOf(stream)));
      }
    }
    stream.Synchronize();
    EXPECT_EQ(result.Read(), std::vector<int32_t>(1000, 5));
  });
}

TEST_F(NcclGroupsTest, TransfersInSeveralStreamsWaitForAllAndAreWaitedForByAll) {
  constexpr size_t kCount = 600'000;
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    const UserStream streams[2];
    const cuda::Driver& driver = device::SimDriver::Instance().driver();
    const Ints source(ValuesOf(rank, kCount));
    const Ints out(kCount);
    const Ints in(kCount);
    const Ints result(kCount);
    for (int round = 0; round < 3; ++round) {
      // What is sent is written in the other stream, and read back in the other one.
      ASSERT_EQ(driver.Copy(out.data(), source.data(), kCount * 4, streams[1].get()), OkStatus());
      ASSERT_NCCL(Nccl().GroupStart());
      ASSERT_NCCL(Nccl().Send(out.data(), kCount, ncclInt32, 1 - rank, comm, StreamOf(streams[0])));
      ASSERT_NCCL(Nccl().Recv(in.data(), kCount, ncclInt32, 1 - rank, comm, StreamOf(streams[1])));
      ASSERT_NCCL(Nccl().GroupEnd());
      ASSERT_EQ(driver.Copy(result.data(), in.data(), kCount * 4, streams[0].get()), OkStatus());
      streams[0].Synchronize();
      EXPECT_EQ(result.Read(), ValuesOf(1 - rank, kCount));
      streams[1].Synchronize();
    }
  });
}

TEST_F(NcclGroupsTest, CommunicatorsInOppositeOrdersOnOneStream) {
  const ncclUniqueId ids[] = {NewId(), NewId(), NewId()};
  RankProcesses processes(2, [&](int rank, RankReport&) {
    BecomeRank(node_, rank);
    ncclComm_t comms[3] = {};
    // The communicators too are made in opposite orders, which one after the other would not end.
    ASSERT_NCCL(Nccl().GroupStart());
    for (int i = 0; i < 3; ++i) {
      const int which = rank == 0 ? i : 2 - i;
      ASSERT_NCCL(Nccl().CommInitRank(&comms[which], 2, ids[which], rank));
      EXPECT_NE(comms[which], nullptr);
    }
    ASSERT_NCCL(Nccl().GroupEnd());
    const UserStream stream;
    std::vector<std::unique_ptr<Ints>> data;
    for (int i = 0; i < 3; ++i) data.push_back(std::make_unique<Ints>(ValuesOf(rank, 50'000)));
    for (int round = 0; round < 5; ++round) {
      ASSERT_NCCL(Nccl().GroupStart());
      for (int i = 0; i < 3; ++i) {
        const int which = rank == 0 ? i : 2 - i;
        int32_t* const p = data[static_cast<size_t>(which)]->data();
        ASSERT_NCCL(
            Nccl().AllReduce(p, p, 50'000, ncclInt32, ncclMax, comms[which], StreamOf(stream)));
      }
      ASSERT_NCCL(Nccl().GroupEnd());
    }
    stream.Synchronize();
    for (const auto& one : data) EXPECT_EQ(one->Read(), ValuesOf(1, 50'000));
    for (const ncclComm_t comm : comms) EXPECT_NCCL(Nccl().CommDestroy(comm));
  });
  for (int rank = 0; rank < 2; ++rank) EXPECT_TRUE(processes.Succeeded(rank));
}

TEST_F(NcclGroupsTest, ErrorInAGroupLeavesNothingHalfDone) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    const UserStream stream;
    const Ints data(ValuesOf(rank, 100));
    int32_t* const p = data.data();
    ASSERT_NCCL(Nccl().GroupStart());
    ASSERT_NCCL(Nccl().AllReduce(p, p, 100, ncclInt32, ncclSum, comm, StreamOf(stream)));
    EXPECT_EQ(Nccl().AllReduce(p, p, 100, ncclNumTypes, ncclSum, comm, StreamOf(stream)),
              ncclInvalidArgument);
    EXPECT_EQ(Nccl().GroupEnd(), ncclInvalidArgument);
    EXPECT_THAT(Nccl().GetLastError(nullptr), HasSubstr("nothing of it was done"));
    ASSERT_NCCL(Nccl().GroupStart());
    ASSERT_NCCL(Nccl().AllReduce(p, p, 100, ncclInt32, ncclSum, comm, StreamOf(stream)));
    EXPECT_EQ(Nccl().GroupSimulateEnd(nullptr), ncclInvalidUsage);
    EXPECT_EQ(Nccl().Send(p, 1, ncclInt32, rank, comm, StreamOf(stream)), ncclInvalidUsage);
    stream.Synchronize();
    EXPECT_EQ(data.Read(), ValuesOf(rank, 100));
    ASSERT_NCCL(Nccl().AllReduce(p, p, 100, ncclInt32, ncclSum, comm, StreamOf(stream)));
    stream.Synchronize();
    EXPECT_EQ(data.Read(), SumOfAll(2, 100));
  });
}

}  // namespace
}  // namespace flexmig::nccl_test
