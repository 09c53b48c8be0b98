#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/device_kernels/exchange_kernel.h"

#include "device_case.h"
#include "leaf_ranks.h"

// Operations of ranks that are processes on leaves of one A100: what they compute, in what order
// with their streams, and how many bytes they take over the link.
namespace flexmig::multiproc {
namespace {

using coll::Collective;
using coll::CollectiveCase;
using coll::DataType;
using coll::ReduceOp;
using device::Buffers;
using device::DeviceCase;
using device::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class DeviceLeavesTest : public testing::Test {
 protected:
  const LeafNode node_{"a100x1"};
};

TEST_F(DeviceLeavesTest, EveryOperationGivesWhatTheOracleSays) {
  for (const int ranks : {2, 7}) {
    RunOnLeaves(node_, ranks, [ranks](DeviceCommunicator& communicator, RankReport&) {
      EXPECT_TRUE(communicator.device().is_mig);
      EXPECT_THAT(communicator.SharedDevices(), IsEmpty());
      const UserStream stream;
      CollectiveCase call;
      for (const Collective collective : coll::kDataCollectives) {
        for (const size_t bytes : {400u, 200'004u, 2'000'004u}) {
          call.collective = collective;
          call.count = bytes / 4;
          call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(ranks));
          device::RunCase(communicator, stream, call, Buffers::kSeparate);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    });
  }
}

// The ways of a small operation's bytes: by copies or a kernel in the stream, and by the worker.
TEST_F(DeviceLeavesTest, SmallOperationsGiveTheSameByWhateverWay) {
  for (const Variables& variables :
       {Variables{{"FLEXMIG_SMALL", "copy"}}, Variables{{"FLEXMIG_SMALL", "kernel"}},
        Variables{{"FLEXMIG_SMALL_BYTES", "0"}}, Variables{{"FLEXMIG_SMALL_BYTES", "1048576"}}}) {
    if (variables[0].second == "kernel" && device_kernels::ExchangeKernelPtx().empty()) {
      std::printf("kernels are not built: clang is not there\n");
      continue;
    }
    const auto body = [](DeviceCommunicator& communicator, RankReport&) {
      const UserStream stream;
      CollectiveCase call;
      for (const Collective collective : coll::kDataCollectives) {
        for (const size_t bytes : {0u, 4u, 1000u, 20'004u, 100'000u}) {
          for (const Buffers buffers : {Buffers::kInPlace, Buffers::kOddAddresses}) {
            if (buffers == Buffers::kInPlace && collective == Collective::kAllToAll) continue;
            call.collective = collective;
            call.count = bytes / 4;
            call.root = static_cast<int>(++call.seed % 3);
            device::RunCase(communicator, stream, call, buffers);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    };
    RunOnLeaves(node_, 3, body, variables);
  }
}

TEST_F(DeviceLeavesTest, VariablesThatDoNotParseAreNamedOnEveryRank) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(2, [&](int rank, RankReport& report) {
    SetVariables(node_.VariablesFor(rank));
    if (rank == 1) SetVariables({{"FLEXMIG_SMALL", "fast"}});
    auto communicator = DeviceCommunicator::Create(SimDriver::Instance().driver(),
                                                   DeviceOptionsFor(rendezvous, rank, 2));
    ASSERT_FALSE(communicator.ok());
    report.Fail(communicator.status());
  });
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    EXPECT_THAT(ranks.report(rank).status().message(), HasSubstr("FLEXMIG_SMALL is 'fast'"));
  }
  EXPECT_EQ(ranks.report(1).status().code(), StatusCode::kInvalidArgument);
}

// A stream in which every step has a random delay of up to 2 ms: a collective that began before
// what stands in front of it, or a copy that did not wait for the collective, would be seen.
TEST_F(DeviceLeavesTest, OperationsSeeWhatWasQueuedBeforeThemAndNothingLater) {
  for (const char* seed : {"1:2ms", "2:2ms", "3:300ms"}) {
    const int rounds = std::strcmp(seed, "3:300ms") == 0 ? 1 : 6;
    const auto body = [rounds](DeviceCommunicator& communicator, RankReport&) {
      const cuda::Driver& driver = SimDriver::Instance().driver();
      const int ranks = communicator.world_size();
      const UserStream streams[2];
      for (const size_t count : {size_t{16}, size_t{120'000}}) {
        const size_t bytes = count * sizeof(int32_t);
        std::vector<std::unique_ptr<DeviceBuffer>> inputs;
        std::vector<std::unique_ptr<DeviceBuffer>> results;
        const DeviceBuffer work[2] = {DeviceBuffer(bytes), DeviceBuffer(bytes)};
        const auto value = [](int rank, int round) { return (rank + 1) * (round + 5); };
        for (int round = 0; round < 2 * rounds; ++round) {
          const std::vector<int32_t> input(count, value(communicator.rank(), round));
          inputs.push_back(std::make_unique<DeviceBuffer>(std::as_bytes(std::span(input))));
          results.push_back(std::make_unique<DeviceBuffer>(bytes));
        }
        // Each round uses the same work buffer of its stream: written, reduced, saved.
        for (int round = 0; round < 2 * rounds; ++round) {
          const UserStream& stream = streams[round % 2];
          const DeviceBuffer& buffer = work[round % 2];
          const auto index = static_cast<size_t>(round);
          Operation operation;
          operation.send = operation.receive = buffer.data();
          operation.count = count;
          operation.type = DataType::kInt32;
          ASSERT_EQ(driver.Copy(buffer.data(), inputs[index]->data(), bytes, stream.get()),
                    OkStatus());
          ASSERT_EQ(communicator.Enqueue(operation, stream.get()), OkStatus());
          ASSERT_EQ(driver.Copy(results[index]->data(), buffer.data(), bytes, stream.get()),
                    OkStatus());
        }
        for (const UserStream& stream : streams) stream.Synchronize();
        for (int round = 0; round < 2 * rounds; ++round) {
          int32_t sum = 0;
          for (int rank = 0; rank < ranks; ++rank) sum += value(rank, round);
          const auto result = results[static_cast<size_t>(round)]->Read();
          const std::vector<int32_t> expected(count, sum);
          ASSERT_EQ(std::memcmp(result.data(), expected.data(), bytes), 0)
              << "round " << round << " of " << count;
        }
      }
    };
    RunOnLeaves(node_, 3, body, {{"FLEXMIG_SIM_CUDA_DELAYS", seed}});
  }
}

TEST_F(DeviceLeavesTest, GraphsKeepTheOrderOfTheirStreams) {
  const auto body = [](DeviceCommunicator& communicator, RankReport&) {
    const cuda::Driver& driver = SimDriver::Instance().driver();
    const UserStream stream;
    for (const size_t count : {size_t{16}, size_t{120'000}}) {
      const size_t bytes = count * sizeof(int32_t);
      const std::vector<int32_t> ones(count, 1);
      const DeviceBuffer value(std::as_bytes(std::span(ones)));
      const DeviceBuffer work(bytes);
      Operation operation;
      operation.send = operation.receive = work.data();
      operation.count = count;
      operation.type = DataType::kInt32;
      // value := the sum over ranks of value, through another buffer.
      const device::CapturedGraph graph(stream, [&] {
        ASSERT_EQ(driver.Copy(work.data(), value.data(), bytes, stream.get()), OkStatus());
        ASSERT_EQ(communicator.Enqueue(operation, stream.get()), OkStatus());
        ASSERT_EQ(driver.Copy(value.data(), work.data(), bytes, stream.get()), OkStatus());
      });
      int32_t expected = 1;
      for (int launch = 0; launch < 6; ++launch, expected *= 3) graph.Launch(stream);
      stream.Synchronize();
      ASSERT_EQ(communicator.status(), OkStatus());
      const auto result = value.Read();
      const std::vector<int32_t> all(count, expected);
      ASSERT_EQ(std::memcmp(result.data(), all.data(), bytes), 0) << count;
    }
  };
  for (const char* small : {"kernel", "copy"}) {
    if (device_kernels::ExchangeKernelPtx().empty()) small = "auto";
    RunOnLeaves(node_, 3, body, {{"FLEXMIG_SIM_CUDA_DELAYS", "4:2ms"}, {"FLEXMIG_SMALL", small}});
  }
}

// What device_communicator.h promises of the link, for all ranks together. S is the bytes of a
// part, N the ranks.
TEST_F(DeviceLeavesTest, LargeOperationsCrossTheLinkNoOftenerThanPromised) {
  constexpr int kRanks = 4;
  constexpr uint64_t kPart = 1 << 20;
  struct Promise {
    Collective collective;
    uint64_t up;  // in parts, all ranks together
    uint64_t down;
  };
  static constexpr Promise kPromises[] = {
      {Collective::kAllReduce, kRanks, kRanks},
      {Collective::kReduce, kRanks, 1},
      {Collective::kReduceScatter, kRanks * kRanks, kRanks},
      {Collective::kAllGather, kRanks, kRanks * (kRanks - 1)},
      {Collective::kGather, kRanks - 1, kRanks - 1},
      {Collective::kBroadcast, 1, kRanks - 1},
      {Collective::kScatter, kRanks - 1, kRanks - 1},
      {Collective::kAllToAll, kRanks * (kRanks - 1), kRanks * (kRanks - 1)},
  };
  for (const Promise& promise : kPromises) {
    RankProcesses ranks(
        kRanks,
        OnLeaves(node_, RandomHex(16), kRanks,
                 [&promise](DeviceCommunicator& communicator, RankReport& report) {
                   const CollectiveCase call{promise.collective, DataType::kFloat32, ReduceOp::kSum,
                                             kPart / 4};
                   const DeviceCase made(call, communicator.rank(), kRanks, Buffers::kSeparate);
                   // Until the test has read the counters.
                   report.progress.store(1);
                   while (report.progress.load() != 2) ::usleep(200);
                   const UserStream stream;
                   ASSERT_EQ(communicator.Enqueue(made.operation(), stream.get()), OkStatus());
                   stream.Synchronize();
                   report.progress.store(3);
                   while (report.progress.load() != 4) ::usleep(200);
                 }));
    const auto counters = [&](uint64_t progress) {
      for (int rank = 0; rank < kRanks; ++rank) ranks.AwaitProgress(rank, progress);
      // In a process of its own: the driver does not outlive a fork.
      LinkBytes* const shared = static_cast<LinkBytes*>(::mmap(
          nullptr, sizeof(LinkBytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
      RankProcesses reader(1, [&](int, RankReport&) {
        SetVariables(node_.VariablesFor(kRanks));
        *shared = LinkBytes::Of(0);
      });
      EXPECT_TRUE(reader.Succeeded(0));
      const LinkBytes read = *shared;
      ::munmap(shared, sizeof(LinkBytes));
      for (int rank = 0; rank < kRanks; ++rank) ranks.report(rank).progress.store(progress + 1);
      return read;
    };
    const LinkBytes before = counters(1);
    const LinkBytes crossed = counters(3) - before;
    EXPECT_EQ(crossed.up, promise.up * kPart) << static_cast<int>(promise.collective);
    EXPECT_EQ(crossed.down, promise.down * kPart) << static_cast<int>(promise.collective);
    for (int rank = 0; rank < kRanks; ++rank) EXPECT_TRUE(ranks.Succeeded(rank));
  }
}

TEST_F(DeviceLeavesTest, TwoRanksOnOneLeafAreRefusedByName) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(2, [&](int rank, RankReport& report) {
    SetVariables(node_.VariablesFor(3));
    auto communicator = DeviceCommunicator::Create(SimDriver::Instance().driver(),
                                                   DeviceOptionsFor(rendezvous, rank, 2));
    ASSERT_FALSE(communicator.ok());
    report.Fail(communicator.status());
  });
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(ranks.Succeeded(rank));
    EXPECT_EQ(ranks.report(rank).status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(ranks.report(rank).status().message(),
                AllOf(HasSubstr(node_.leaf(3)), HasSubstr("rank 0"), HasSubstr("rank 1")));
  }
}

// A leaf's memory is the program's: what a communicator needs lies in host memory.
TEST_F(DeviceLeavesTest, CommunicatorsWorkWhereTheProgramHasTakenAllMemory) {
  RunOnLeaves(node_, 2, [](DeviceCommunicator& communicator, RankReport&) {
    const cuda::Driver& driver = SimDriver::Instance().driver();
    const UserStream stream;
    const DeviceCase large({Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 100'000},
                           communicator.rank(), 2, Buffers::kSeparate);
    const DeviceCase small({Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 10},
                           communicator.rank(), 2, Buffers::kSeparate);
    uint64_t taken = 0;
    for (size_t bytes = size_t{1} << 32; bytes >= 256;) {
      const auto memory = driver.Allocate(bytes);
      if (memory.ok()) {
        taken += bytes;
        continue;
      }
      ASSERT_EQ(memory.status().code(), StatusCode::kResourceExhausted);
      bytes /= 2;
    }
    EXPECT_GT(taken, uint64_t{4} << 30) << "of a leaf of 4.75 GiB";
    auto second = communicator.Split(0, communicator.rank());
    ASSERT_TRUE(second.ok()) << second.status().ToString();
    ASSERT_EQ((*second)->Enqueue(large.operation(), stream.get()), OkStatus());
    ASSERT_EQ((*second)->Enqueue(small.operation(), stream.get()), OkStatus());
    stream.Synchronize();
    large.Check();
    small.Check();
  });
}

TEST_F(DeviceLeavesTest, PointersAreCheckedOnRequest) {
  RunOnLeaves(node_, 1,
              [](DeviceCommunicator& communicator, RankReport&) {
                std::vector<float> host(100);
                const DeviceBuffer device(400);
                const UserStream stream;
                Operation operation;
                operation.send = device.data();
                operation.receive = host.data();
                operation.count = 100;
                const Status status = communicator.Enqueue(operation, stream.get());
                EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
                EXPECT_THAT(status.message(),
                            HasSubstr("the receive buffer is memory that is not"));
                operation.receive = device.data();
                EXPECT_EQ(communicator.Enqueue(operation, stream.get()), OkStatus());
              },
              {{"NCCL_CHECK_POINTERS", "1"}});
}

}  // namespace
}  // namespace flexmig::multiproc
