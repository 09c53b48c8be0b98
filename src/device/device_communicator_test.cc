#include "flexmig/device/device_communicator.h"

#include <barrier>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_case.h"

// What operations compute, with ranks that are threads on one whole simulated GPU.
namespace flexmig::device {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeviceCommunicatorTest : public testing::TestWithParam<int> {
 protected:
  int world_size() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(WorldSizes, DeviceCommunicatorTest, testing::Values(1, 2, 3, 7),
                         testing::PrintToStringParamName());

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr uint64_t kLives = kSanitized ? 20 : 100;

// None, small, both sides of what is small for two buffers, odd, and several chunks.
constexpr size_t kByteCounts[] = {0, 4, 4000, 32768, 32772, 300'004, 2'500'004};

TEST_P(DeviceCommunicatorTest, EveryOperationAndSizeGivesWhatTheOracleSays) {
  RunDeviceThreads(world_size(), [&](auto& communicator) {
    const UserStream stream;
    CollectiveCase call;
    // A copy in the stream keeps the bits of a NaN, which reductions make all alike.
    if (world_size() == 1) call.type = DataType::kInt32;
    for (const Collective collective : coll::kDataCollectives) {
      for (const size_t bytes : kByteCounts) {
        // The largest parts in a small world are enough.
        if ((world_size() > 2 || kSanitized) && bytes > 1'000'000) continue;
        for (const Buffers buffers :
             {Buffers::kSeparate, Buffers::kInPlace, Buffers::kOddAddresses}) {
          if (buffers == Buffers::kInPlace && collective == Collective::kAllToAll) continue;
          call.collective = collective;
          call.count = bytes / 4;
          call.root = static_cast<int>(++call.seed % static_cast<uint64_t>(world_size()));
          RunCase(*communicator, stream, call, buffers);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST_P(DeviceCommunicatorTest, EveryTypeAndReductionGivesWhatTheOracleSays) {
  RunDeviceThreads(world_size(), [&](auto& communicator) {
    const UserStream stream;
    CollectiveCase call;
    for (const DataType type : reduce::kAllDataTypes) {
      for (const ReduceOp op : reduce::kAllReduceOps) {
        for (const size_t bytes : {1000u, 100'000u}) {
          // A copy in the stream keeps the bits of a NaN, which reductions make all alike.
          if (world_size() == 1 && op != ReduceOp::kPreMulSum && type != DataType::kInt32) continue;
          call = {Collective::kAllReduce, type, op, bytes / reduce::ElementBytes(type), 0,
                  call.seed + 1};
          RunCase(*communicator, stream, call, Buffers::kSeparate);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

// The factor is written by the stream itself, in front of the operation, and overwritten behind it.
TEST_P(DeviceCommunicatorTest, AScalarInDeviceMemoryIsReadInStreamOrder) {
  RunDeviceThreads(world_size(), [&](auto& communicator) {
    const UserStream stream;
    const SimDriver& sim = SimDriver::Instance();
    const DeviceBuffer scalar(sizeof(float));
    const DeviceBuffer factors(2 * sizeof(float));
    const std::vector<float> values = {static_cast<float>(communicator->rank() + 1), -100.0F};
    factors.Write(std::as_bytes(std::span(values)));
    for (const size_t count : {size_t{1}, size_t{50'000}}) {
      const std::vector<float> ones(count, 2.0F);
      const DeviceBuffer data(std::as_bytes(std::span(ones)));
      Operation operation;
      operation.send = operation.receive = data.data();
      operation.count = count;
      operation.reduction.reduction = ReduceOp::kPreMulSum;
      operation.reduction.device_scalar = scalar.data();
      const auto set_scalar = [&](size_t index) {
        ASSERT_EQ(sim.driver().Copy(scalar.data(), factors.data() + index * sizeof(float),
                                    sizeof(float), stream.get()),
                  OkStatus());
      };
      set_scalar(0);
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
      set_scalar(1);
      stream.Synchronize();
      std::vector<float> result(count);
      const auto bytes = data.Read();
      std::memcpy(result.data(), bytes.data(), bytes.size());
      const int ranks = world_size();
      EXPECT_EQ(result, std::vector<float>(count, static_cast<float>(ranks * (ranks + 1))));
    }
  });
}

// Rings of messages in both directions, of all sizes at once, and one to itself.
TEST_P(DeviceCommunicatorTest, GroupsOfMessagesMoveAtOnce) {
  RunDeviceThreads(world_size(), [&](auto& communicator) {
    const UserStream stream;
    const int ranks = world_size();
    const int own = communicator->rank();
    for (const size_t largest : {size_t{3}, size_t{2000}, size_t{1'500'001}}) {
      Operation operation;
      operation.kind = Operation::Kind::kExchange;
      std::vector<std::unique_ptr<DeviceBuffer>> sent;
      std::vector<std::unique_ptr<DeviceBuffer>> received;
      std::vector<Bytes8> expected;
      for (int distance = 0; distance < ranks; ++distance) {
        const int to = (own + distance) % ranks;
        const int from = (own + ranks - distance) % ranks;
        const size_t bytes = largest / static_cast<size_t>(distance + 1);
        const auto seed = static_cast<uint64_t>(distance + 1);
        sent.push_back(std::make_unique<DeviceBuffer>(coll::Contribution(seed, own, bytes)));
        received.push_back(std::make_unique<DeviceBuffer>(bytes));
        expected.push_back(coll::Contribution(seed, from, bytes));
        operation.transfers.push_back(
            Transfer::Receive(received.back()->data(), bytes, DataType::kUint8, from));
        operation.transfers.push_back(
            Transfer::Send(sent.back()->data(), bytes, DataType::kUint8, to));
      }
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
      stream.Synchronize();
      ASSERT_EQ(communicator->status(), OkStatus());
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(received[i]->Read(), expected[i]) << "distance " << i << " of " << largest;
      }
    }
  });
}

// One rank's group is large, so that a mover carries its part of a small message.
TEST(DeviceExchangeTest, EachRankChoosesHowItMovesAMessage) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    const size_t bytes = 1000;
    const size_t more = 200'000;
    const DeviceBuffer message(coll::Contribution(1, communicator->rank(), bytes));
    const DeviceBuffer received(bytes);
    const DeviceBuffer large(coll::Contribution(2, 0, more));
    const DeviceBuffer copy(more);
    Operation operation;
    operation.kind = Operation::Kind::kExchange;
    const int peer = 1 - communicator->rank();
    operation.transfers = {Transfer::Send(message.data(), bytes, DataType::kUint8, peer),
                           Transfer::Receive(received.data(), bytes, DataType::kUint8, peer)};
    if (communicator->rank() == 0) {
      operation.transfers.push_back(Transfer::Send(large.data(), more, DataType::kUint8, 0));
      operation.transfers.push_back(Transfer::Receive(copy.data(), more, DataType::kUint8, 0));
    }
    ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    stream.Synchronize();
    EXPECT_EQ(received.Read(), coll::Contribution(1, peer, bytes));
    if (communicator->rank() == 0) {
      EXPECT_EQ(copy.Read(), coll::Contribution(2, 0, more));
    }
  });
}

TEST(DeviceSharingTest, RanksOnOneWholeGpuAreAllowedAndTold) {
  RunDeviceThreads(3, [](auto& communicator) {
    EXPECT_THAT(communicator->SharedDevices(), ElementsAre(0, 1, 2));
    EXPECT_FALSE(communicator->device().is_mig);
  });
  RunDeviceThreads(
      1, [](auto& communicator) { EXPECT_THAT(communicator->SharedDevices(), IsEmpty()); });
}

TEST(DeviceArgumentsTest, ARefusedOperationLeavesTheCommunicatorAndTheStreamAsTheyWere) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    Operation operation;
    operation.count = 4;
    const Status status = communicator->Enqueue(operation, stream.get());
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("send buffer is null"));
    const DeviceBuffer data(16);
    operation.send = operation.receive = data.data();
    EXPECT_EQ(communicator->Enqueue(operation, static_cast<cuda::Stream>(0x1234)).code(),
              StatusCode::kInvalidArgument)
        << "no stream of the driver's";
    EXPECT_EQ(communicator->status(), OkStatus());
    RunCase(*communicator, stream, {Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 9},
            Buffers::kSeparate);
  });
}

// Differences that only the ranks together can see end the communicator, and the streams go on.
TEST(DeviceArgumentsTest, RanksThatDifferAreToldOnEveryRank) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    const DeviceBuffer data(1 << 20);
    Operation operation;
    operation.send = operation.receive = data.data();
    operation.count = communicator->rank() == 0 ? 100'000 : 100'001;
    ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    stream.Synchronize();
    EXPECT_EQ(communicator->status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(communicator->status().message(), HasSubstr("count 100001"));
    EXPECT_EQ(communicator->Enqueue(operation, stream.get()), communicator->status());
  });
}

TEST(DeviceStreamsTest, OperationsOnManyStreamsRunInTheOrderOfTheirCalls) {
  RunDeviceThreads(2, [](auto& communicator) {
    constexpr int kStreams = 4;
    const std::vector<UserStream> streams(kStreams);
    std::vector<std::unique_ptr<DeviceCase>> cases;
    for (uint64_t i = 0; i < 60; ++i) {
      const Collective collective = coll::kDataCollectives[i % std::size(coll::kDataCollectives)];
      const CollectiveCase call{collective,
                                DataType::kInt32,
                                ReduceOp::kSum,
                                i % 5 == 0 ? 30'000U : 40U,
                                static_cast<int>(i % 2),
                                i};
      cases.push_back(
          std::make_unique<DeviceCase>(call, communicator->rank(), 2, Buffers::kSeparate));
      // Each rank uses its streams in another order: only the order of the calls counts.
      const auto stream = (i * 7 + static_cast<uint64_t>(communicator->rank())) % kStreams;
      ASSERT_EQ(communicator->Enqueue(cases.back()->operation(), streams[stream].get()),
                OkStatus());
    }
    for (const UserStream& stream : streams) stream.Synchronize();
    for (const auto& made : cases) made->Check();
  });
}

// More operations than there are words, all of them behind one that cannot begin yet.
TEST(DeviceStreamsTest, AFullQueueHoldsTheCallerUntilThereIsRoom) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    constexpr size_t kCount = 100;
    const std::vector<int32_t> ones(kCount, 1);
    const DeviceBuffer data(std::as_bytes(std::span(ones)));
    Operation operation;
    operation.send = operation.receive = data.data();
    operation.count = kCount;
    operation.type = DataType::kInt32;
    operation.reduction.reduction = ReduceOp::kMax;
    for (int i = 0; i < 700; ++i) {
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    }
    EXPECT_EQ(communicator->Drain(Deadline::After(std::chrono::seconds(60))), OkStatus());
    stream.Synchronize();
    const auto bytes = data.Read();
    EXPECT_EQ(std::memcmp(bytes.data(), ones.data(), bytes.size()), 0);
  });
}

TEST(DeviceStreamsTest, TwoCommunicatorsOnTwoStreamsAreIndependent) {
  RunDeviceThreads(2, [](auto& first) {
    auto second = first->Split(0, first->rank());
    ASSERT_TRUE(second.ok()) << second.status().ToString();
    const UserStream a;
    const UserStream b;
    std::vector<std::unique_ptr<DeviceCase>> cases;
    for (uint64_t i = 0; i < 20; ++i) {
      for (const auto* stream : {&a, &b}) {
        const CollectiveCase call{
            Collective::kAllReduce, DataType::kInt64, ReduceOp::kSum, i % 4 == 0 ? 40'000U : 11U, 0,
            2 * i + (stream == &a)};
        cases.push_back(std::make_unique<DeviceCase>(call, first->rank(), 2, Buffers::kSeparate));
        DeviceCommunicator& communicator = stream == &a ? *first : **second;
        ASSERT_EQ(communicator.Enqueue(cases.back()->operation(), stream->get()), OkStatus());
      }
    }
    a.Synchronize();
    b.Synchronize();
    for (const auto& made : cases) made->Check();
  });
}

TEST(DeviceDerivedTest, SplitRunsBehindWhatWasEnqueued) {
  RunDeviceThreads(4, [](auto& communicator) {
    const UserStream stream;
    const int rank = communicator->rank();
    const DeviceCase before({Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 90'000},
                            rank, 4, Buffers::kSeparate);
    ASSERT_EQ(communicator->Enqueue(before.operation(), stream.get()), OkStatus());
    // Rank 3 is left out.
    auto part = communicator->Split(rank == 3 ? -1 : 0, -rank);
    ASSERT_TRUE(part.ok()) << part.status().ToString();
    stream.Synchronize();
    before.Check();
    if (rank == 3) {
      EXPECT_EQ(*part, nullptr);
      return;
    }
    EXPECT_EQ((*part)->rank(), 2 - rank);
    EXPECT_EQ((*part)->world_size(), 3);
    RunCase(**part, stream, {Collective::kAllGather, DataType::kInt32, ReduceOp::kSum, 30'000},
            Buffers::kSeparate);
  });
}

TEST(DeviceDerivedTest, ShrinkGoesOnWithoutARankAfterAnAbort) {
  RunDeviceThreads(3, [](auto& communicator) {
    const int rank = communicator->rank();
    if (rank == 1) {
      communicator->Abort("a test");
      return;
    }
    const UserStream stream;
    const DeviceCase lost({Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 90'000}, rank,
                          3, Buffers::kSeparate);
    static_cast<void>(communicator->Enqueue(lost.operation(), stream.get()));
    stream.Synchronize();
    EXPECT_EQ(communicator->status().code(), StatusCode::kAborted);
    EXPECT_THAT(communicator->status().message(), HasSubstr("rank 1 aborted: a test"));
    const int excluded[] = {1};
    auto rest = communicator->Shrink(excluded);
    ASSERT_TRUE(rest.ok()) << rest.status().ToString();
    RunCase(**rest, stream, {Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 90'000},
            Buffers::kSeparate);
  });
}

TEST(DeviceLifeTest, AHundredCommunicatorsCanBeMadeAndDestroyed) {
  RunDeviceThreads(2, [](auto& world) {
    const UserStream stream;
    for (uint64_t i = 0; i < kLives; ++i) {
      auto communicator = world->Split(0, world->rank());
      ASSERT_TRUE(communicator.ok()) << i << ": " << communicator.status().ToString();
      RunCase(**communicator, stream,
              {Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, i % 2 == 0 ? 7U : 30'000U,
               0, i},
              Buffers::kSeparate);
      if (testing::Test::HasFatalFailure()) return;
    }
  });
}

// A peer that has gone after its last contribution, and a communicator that goes before its stream
// has reached what was put there.
TEST(DeviceLifeTest, DestructionDropsWhatHasNotRunAndLetsStreamsGoOn) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    const DeviceBuffer data(1 << 20);
    Operation operation;
    operation.send = operation.receive = data.data();
    operation.count = 200'000;
    if (communicator->rank() == 0) {
      for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
      }
    }
    const auto begin = std::chrono::steady_clock::now();
    communicator.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    stream.Synchronize();
  });
}

TEST(DeviceLifeTest, AForkedChildMayDestroyItsCopyWithoutHarm) {
  RunDeviceThreads(1, [](auto& communicator) {
    const UserStream stream;
    const CollectiveCase call{Collective::kAllReduce, DataType::kInt32, ReduceOp::kPreMulSum, 9};
    RunCase(*communicator, stream, call, Buffers::kSeparate);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(20);
      communicator.reset();
      std::_Exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    RunCase(*communicator, stream, call, Buffers::kSeparate);
  });
}

// The stream reaches what was dropped long after the communicator has gone, with its words and its
// bounce memory.
TEST(DeviceLifeTest, StreamsThatAreLateFindTheWordsOfACommunicatorThatHasGone) {
  std::barrier all_have_enqueued(2);
  RunDeviceThreads(2, [&](auto& communicator) {
    const cuda::Driver& driver = SimDriver::Instance().driver();
    const auto module = driver.LoadModule(
        ".version 7.0\n.target sm_80\n.address_size 64\n"
        ".visible .entry flexmig_sim_busy(.param .u64 microseconds) { ret; }\n");
    ASSERT_TRUE(module.ok()) << module.status().ToString();
    const auto busy = driver.FindFunction(*module, "flexmig_sim_busy");
    ASSERT_TRUE(busy.ok()) << busy.status().ToString();
    const UserStream stream;
    const DeviceBuffer data(1 << 20);
    uint64_t microseconds = 1'500'000;
    void* arguments[] = {&microseconds};
    ASSERT_EQ(driver.Launch(*busy, 1, 1, arguments, stream.get()), OkStatus());
    Operation operation;
    operation.send = operation.receive = data.data();
    for (const size_t count : {10U, 200'000U, 10U}) {
      operation.count = count;
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    }
    all_have_enqueued.arrive_and_wait();
    const auto begin = std::chrono::steady_clock::now();
    communicator.reset();
    // The simulated driver waits for the device before it unpins memory.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
    stream.Synchronize();
  });
  // Others get words and memory that nobody writes any more.
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    RunCase(*communicator, stream, {Collective::kAllReduce, DataType::kInt32, ReduceOp::kSum, 9},
            Buffers::kSeparate);
  });
}

TEST(DeviceAbortTest, AbortFromAnotherThreadLetsAllStreamsGoOn) {
  RunDeviceThreads(2, [](auto& communicator) {
    const UserStream stream;
    const DeviceBuffer data(1 << 20);
    Operation operation;
    operation.send = operation.receive = data.data();
    operation.count = communicator->rank() == 0 ? 200'000 : 0;
    // Rank 1 never comes.
    if (communicator->rank() == 0) {
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
      std::thread watchdog([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        communicator->Abort("too slow");
      });
      stream.Synchronize();
      watchdog.join();
    }
    while (communicator->status().ok()) std::this_thread::yield();
    EXPECT_EQ(communicator->status().code(), StatusCode::kAborted);
    EXPECT_THAT(communicator->status().message(), HasSubstr("rank 0 aborted: too slow"));
    EXPECT_EQ(communicator->Drain(Deadline::After(std::chrono::seconds(1))).code(),
              StatusCode::kAborted);
    EXPECT_EQ(communicator->Enqueue(operation, stream.get()).code(), StatusCode::kAborted);
  });
}

}  // namespace
}  // namespace flexmig::device
