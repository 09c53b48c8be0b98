// What unmodified programs get of the collectives: made-up calls against an oracle, through the C
// interface.

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device_case.h"
#include "nccl_ranks.h"
#include "result.h"

namespace flexmig::nccl_test {
namespace {

using coll::Collective;
using coll::CollectiveCase;
using coll::ReduceOp;
using device::Buffers;
using device::DeviceCase;
using device::Operation;
using nccl::FromDataType;
using testing::HasSubstr;

ncclResult_t Call(const Operation& o, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  const Functions& nccl = Nccl();
  const ncclDataType_t type = FromDataType(o.type);
  switch (o.kind) {
    case Operation::Kind::kAllReduce:
      return nccl.AllReduce(o.send, o.receive, o.count, type, op, comm, stream);
    case Operation::Kind::kReduce:
      return nccl.Reduce(o.send, o.receive, o.count, type, op, o.root, comm, stream);
    case Operation::Kind::kReduceScatter:
      return nccl.ReduceScatter(o.send, o.receive, o.count, type, op, comm, stream);
    case Operation::Kind::kAllGather:
      return nccl.AllGather(o.send, o.receive, o.count, type, comm, stream);
    case Operation::Kind::kGather:
      return nccl.Gather(o.send, o.receive, o.count, type, o.root, comm, stream);
    case Operation::Kind::kBroadcast:
      return nccl.Broadcast(o.send, o.receive, o.count, type, o.root, comm, stream);
    case Operation::Kind::kScatter:
      return nccl.Scatter(o.send, o.receive, o.count, type, o.root, comm, stream);
    case Operation::Kind::kAllToAll:
      return nccl.AlltoAll(o.send, o.receive, o.count, type, comm, stream);
    case Operation::Kind::kExchange: break;
  }
  return ncclInternalError;
}

// The reduction of the case as a caller makes it; for pre-multiplied sums of its own, from the
// host's memory or the device's.
class Op {
 public:
  Op(const Operation& operation, ncclComm_t comm, bool on_device) : comm_(comm) {
    const coll::Reduction& reduction = operation.reduction.reduction;
    if (reduction.op != ReduceOp::kPreMulSum) {
      op_ = nccl::FromReduceOp(reduction.op);
      return;
    }
    reduce::Scalar scalar = reduction.scalar;
    scalar_.Write(scalar.bytes);
    void* const where = on_device ? static_cast<void*>(scalar_.data()) : scalar.bytes;
    EXPECT_NCCL(Nccl().RedOpCreatePreMulSum(&op_, where, FromDataType(operation.type),
                                            on_device ? ncclScalarDevice : ncclScalarHostImmediate,
                                            comm));
    std::memset(scalar.bytes, 0xff, sizeof scalar.bytes);  // an immediate one has been read
  }
  // As soon as the call that was given it has returned.
  void Destroy() const {
    if (op_ >= ncclNumOps) EXPECT_NCCL(Nccl().RedOpDestroy(op_, comm_));
  }
  [[nodiscard]] ncclRedOp_t get() const { return op_; }

 private:
  ncclComm_t comm_;
  ncclRedOp_t op_ = ncclSum;
  DeviceBuffer scalar_{sizeof(reduce::Scalar)};
};

void RunCase(ncclComm_t comm, int rank, int ranks, const CollectiveCase& call, Buffers buffers,
             bool scalar_on_device = false) {
  const UserStream stream;
  const DeviceCase made(call, rank, ranks, buffers);
  const Op op(made.operation(), comm, scalar_on_device);
  ASSERT_NCCL(Call(made.operation(), op.get(), comm, StreamOf(stream)));
  op.Destroy();
  stream.Synchronize();
  made.Check();
}

class NcclCollectivesTest : public testing::Test {
 protected:
  const LeafNode node_{"a100x1"};
};

TEST_F(NcclCollectivesTest, EveryCollectiveGivesWhatTheOracleSays) {
  for (const int ranks : {1, 2, 5}) {
    RunNcclRanks(node_, ranks, [ranks](ncclComm_t comm, int rank) {
      CollectiveCase call;
      // A copy in the stream keeps the bits of a NaN, which reductions make all alike.
      if (ranks == 1) call.type = reduce::DataType::kInt32;
      for (const Collective collective : coll::kDataCollectives) {
        for (const Buffers buffers : {Buffers::kSeparate, Buffers::kInPlace}) {
          if (collective == Collective::kAllToAll && buffers == Buffers::kInPlace) continue;
          for (const size_t count : {0u, 1u, 1000u, 300'001u}) {
            call.collective = collective;
            call.count = count;
            call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(ranks));
            RunCase(comm, rank, ranks, call, buffers);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    });
  }
}

TEST_F(NcclCollectivesTest, EveryTypeAndReduction) {
  RunNcclRanks(node_, 3, [](ncclComm_t comm, int rank) {
    CollectiveCase call;
    call.count = 777;
    for (const reduce::DataType type : reduce::kAllDataTypes) {
      for (const ReduceOp op : reduce::kAllReduceOps) {
        for (const Collective collective : {Collective::kAllReduce, Collective::kReduceScatter}) {
          call.collective = collective;
          call.type = type;
          call.op = op;
          ++call.seed;
          RunCase(comm, rank, 3, call, Buffers::kSeparate, call.seed % 2 == 0);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST_F(NcclCollectivesTest, BcastIsABroadcastInPlace) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    const UserStream stream;
    const Ints data(ValuesOf(rank, 100));
    ASSERT_NCCL(Nccl().Bcast(data.data(), 100, ncclInt32, 1, comm, StreamOf(stream)));
    stream.Synchronize();
    EXPECT_EQ(data.Read(), ValuesOf(1, 100));
  });
}

TEST_F(NcclCollectivesTest, FactsOfACommunicator) {
  RunNcclRanks(node_, 3, [](ncclComm_t comm, int rank) {
    int count = -1;
    int user_rank = -1;
    int device = -1;
    EXPECT_NCCL(Nccl().CommCount(comm, &count));
    EXPECT_NCCL(Nccl().CommUserRank(comm, &user_rank));
    EXPECT_NCCL(Nccl().CommCuDevice(comm, &device));
    EXPECT_EQ(count, 3);
    EXPECT_EQ(user_rank, rank);
    EXPECT_EQ(device, 0);
    const ncclTeam_t world = Nccl().TeamWorld(comm);
    EXPECT_EQ(world.nRanks, 3);
    EXPECT_EQ(world.rank, rank);
    EXPECT_EQ(Nccl().TeamLsa(comm).nRanks, 1);
    EXPECT_EQ(Nccl().TeamRail(comm).nRanks, 3);
    EXPECT_EQ(Nccl().TeamRankToWorld(comm, world, 2), 2);
    EXPECT_EQ(Nccl().TeamRankToLsa(comm, Nccl().TeamLsa(comm), 0), 0);
  });
}

// A wrong call is refused where it is made, and the communicator goes on.
TEST_F(NcclCollectivesTest, WrongArgumentsAreRefusedAtOnce) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int) {
    const Functions& nccl = Nccl();
    const UserStream stream;
    const cudaStream_t on = StreamOf(stream);
    const Ints data(std::vector<int32_t>{1, 2, 3, 4});
    int32_t* const p = data.data();
    const auto type = static_cast<ncclDataType_t>(99);
    const auto op = static_cast<ncclRedOp_t>(17);
    const auto negative = static_cast<ncclDataType_t>(0xffffffffU);
    EXPECT_EQ(nccl.AllReduce(p, p, 2, type, ncclSum, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(p, p, 2, negative, ncclSum, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(p, p, 2, ncclInt32, op, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(p, p, 2, ncclInt32, ncclMaxRedOp, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(nullptr, p, 2, ncclInt32, ncclSum, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(p, nullptr, 2, ncclInt32, ncclSum, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.AllReduce(p, p, SIZE_MAX, ncclInt32, ncclSum, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.Broadcast(p, p, 2, ncclInt32, 2, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.Reduce(p, p, 2, ncclInt32, ncclSum, -1, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.Send(p, 2, ncclInt32, 5, comm, on), ncclInvalidArgument);
    EXPECT_EQ(nccl.Recv(nullptr, 2, ncclInt32, 1, comm, on), ncclInvalidArgument);
    ncclRedOp_t made = ncclSum;
    EXPECT_EQ(nccl.RedOpCreatePreMulSum(&made, nullptr, ncclInt32, ncclScalarDevice, comm),
              ncclInvalidArgument);
    EXPECT_EQ(nccl.RedOpCreatePreMulSum(nullptr, p, ncclInt32, ncclScalarDevice, comm),
              ncclInvalidArgument);
    EXPECT_EQ(nccl.RedOpDestroy(ncclSum, comm), ncclInvalidArgument);
    int32_t factor = 2;
    ASSERT_NCCL(
        nccl.RedOpCreatePreMulSum(&made, &factor, ncclInt32, ncclScalarHostImmediate, comm));
    EXPECT_EQ(nccl.AllReduce(p, p, 2, ncclFloat32, made, comm, on), ncclInvalidArgument);
    EXPECT_THAT(nccl.GetLastError(comm), HasSubstr("the reduction was made for"));
    // What was refused has left no trace.
    ASSERT_NCCL(nccl.AllReduce(p, p, 4, ncclInt32, ncclSum, comm, on));
    stream.Synchronize();
    EXPECT_EQ(data.Read(), (std::vector<int32_t>{2, 4, 6, 8}));
  });
}

TEST_F(NcclCollectivesTest, MemoryAndRegistration) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int rank) {
    void* memory = nullptr;
    ASSERT_NCCL(Nccl().MemAlloc(&memory, 4096));
    ASSERT_NE(memory, nullptr);
    void* handle = nullptr;
    ASSERT_NCCL(Nccl().CommRegister(comm, memory, 4096, &handle));
    const UserStream stream;
    const Ints source(ValuesOf(rank, 1024));
    const Ints result(1024);
    ASSERT_NCCL(
        Nccl().AllReduce(source.data(), memory, 1024, ncclInt32, ncclSum, comm, StreamOf(stream)));
    ASSERT_NCCL(
        Nccl().AllReduce(memory, result.data(), 1024, ncclInt32, ncclMax, comm, StreamOf(stream)));
    stream.Synchronize();
    EXPECT_EQ(result.Read(), SumOfAll(2, 1024));
    EXPECT_NCCL(Nccl().CommDeregister(comm, handle));
    EXPECT_EQ(Nccl().CommDeregister(comm, handle), ncclInvalidArgument);
    EXPECT_NCCL(Nccl().CommDeregister(comm, nullptr));
    EXPECT_EQ(Nccl().CommRegister(comm, nullptr, 1, &handle), ncclInvalidArgument);
    ncclWindow_t window = nullptr;
    EXPECT_EQ(Nccl().CommWindowRegister(comm, memory, 4096, &window, 0), ncclInvalidUsage);
    EXPECT_EQ(window, nullptr);
    EXPECT_NCCL(Nccl().MemFree(memory));
    EXPECT_NCCL(Nccl().MemAlloc(&memory, 0));
    EXPECT_EQ(memory, nullptr);
    // More than the leaf has.
    EXPECT_EQ(Nccl().MemAlloc(&memory, size_t{1} << 45), ncclSystemError);
  });
}

// Streams rest at random before whatever they do: a call that began before what stands in front of
// it, or let what stands behind it go first, would find other numbers.
TEST_F(NcclCollectivesTest, CallsSeeWhatWasQueuedBeforeThemAndNothingLater) {
  constexpr int kRounds = 8;
  for (const char* const delays : {"1:3ms", "2:3ms"}) {
    RunNcclRanks(
        node_, 3,
        [](ncclComm_t comm, int rank) {
          const cuda::Driver& driver = device::SimDriver::Instance().driver();
          for (const size_t count : {size_t{50}, size_t{150'000}}) {
            const size_t bytes = count * sizeof(int32_t);
            const UserStream streams[2];
            const Ints work[2] = {Ints(count), Ints(count)};
            std::vector<std::unique_ptr<Ints>> inputs;
            std::vector<std::unique_ptr<Ints>> results;
            for (int round = 0; round < kRounds; ++round) {
              inputs.push_back(
                  std::make_unique<Ints>(ValuesOf(rank, count, static_cast<size_t>(round))));
              results.push_back(std::make_unique<Ints>(count));
            }
            for (size_t round = 0; round < kRounds; ++round) {
              const UserStream& stream = streams[round % 2];
              int32_t* const p = work[round % 2].data();
              ASSERT_EQ(driver.Copy(p, inputs[round]->data(), bytes, stream.get()), OkStatus());
              ASSERT_NCCL(
                  Nccl().AllReduce(p, p, count, ncclInt32, ncclSum, comm, StreamOf(stream)));
              ASSERT_EQ(driver.Copy(results[round]->data(), p, bytes, stream.get()), OkStatus());
            }
            for (const UserStream& stream : streams) stream.Synchronize();
            for (size_t round = 0; round < kRounds; ++round) {
              EXPECT_EQ(results[round]->Read(), SumOfAll(3, count, round)) << round;
            }
          }
        },
        {{"FLEXMIG_SIM_CUDA_DELAYS", delays}});
  }
}

TEST_F(NcclCollectivesTest, CapturedIntoAGraphTheyRunAtEveryLaunch) {
  RunNcclRanks(node_, 2, [](ncclComm_t comm, int) {
    for (const size_t count : {size_t{10}, size_t{200'000}}) {
      const UserStream stream;
      const Ints data(std::vector<int32_t>(count, 1));
      const device::CapturedGraph graph(stream, [&] {
        ASSERT_NCCL(Nccl().GroupStart());
        ASSERT_NCCL(Nccl().AllReduce(data.data(), data.data(), count, ncclInt32, ncclSum, comm,
                                     StreamOf(stream)));
        ASSERT_NCCL(Nccl().AllReduce(data.data(), data.data(), count, ncclInt32, ncclSum, comm,
                                     StreamOf(stream)));
        ASSERT_NCCL(Nccl().GroupEnd());
      });
      for (int launch = 0; launch < 4; ++launch) graph.Launch(stream);
      stream.Synchronize();
      EXPECT_EQ(data.Read(), std::vector<int32_t>(count, 256));
      // Ordinary calls go on beside it.
      ASSERT_NCCL(Nccl().AllReduce(data.data(), data.data(), count, ncclInt32, ncclSum, comm,
                                   StreamOf(stream)));
      stream.Synchronize();
      EXPECT_EQ(data.Read(), std::vector<int32_t>(count, 512));
    }
  });
}

}  // namespace
}  // namespace flexmig::nccl_test
