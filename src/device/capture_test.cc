#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device_case.h"

// Operations in graphs, with ranks that are threads on one whole simulated GPU.
namespace flexmig::device {
namespace {

using testing::HasSubstr;

std::vector<int32_t> Ints(const DeviceBuffer& buffer) {
  const auto bytes = buffer.Read();
  std::vector<int32_t> values(bytes.size() / sizeof(int32_t));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Operation SumInPlace(const DeviceBuffer& buffer, size_t count) {
  Operation operation;
  operation.send = operation.receive = buffer.data();
  operation.count = count;
  operation.type = DataType::kInt32;
  return operation;
}

class CaptureTest : public testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(Counts, CaptureTest, testing::Values(1, 100, 100'000),
                         testing::PrintToStringParamName());

// Two sums in place double the values twice at every launch of two ranks' graphs.
TEST_P(CaptureTest, AGraphRunsItsOperationsAtEveryLaunch) {
  const size_t count = GetParam();
  RunDeviceThreads(2, [&](auto& communicator) {
    const UserStream stream;
    const std::vector<int32_t> ones(count, 1);
    const DeviceBuffer data(std::as_bytes(std::span(ones)));
    const Operation operation = SumInPlace(data, count);
    const CapturedGraph graph(stream, [&] {
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    });
    EXPECT_EQ(Ints(data), ones) << "a capture runs nothing";
    int32_t expected = 1;
    for (int launch = 0; launch < 5; ++launch) {
      graph.Launch(stream);
      expected *= 4;
      if (launch % 2 == 1) continue;  // some launches follow at once
      stream.Synchronize();
      ASSERT_EQ(communicator->status(), OkStatus());
      ASSERT_EQ(Ints(data), std::vector<int32_t>(count, expected)) << "launch " << launch;
    }
  });
}

TEST(CaptureMixTest, GraphsAndOrdinaryCallsTakeTurnsInAStream) {
  RunDeviceThreads(3, [](auto& communicator) {
    constexpr size_t kCount = 5;
    const UserStream stream;
    const std::vector<int32_t> ones(kCount, 1);
    const DeviceBuffer data(std::as_bytes(std::span(ones)));
    const Operation operation = SumInPlace(data, kCount);
    const auto enqueue = [&] {
      ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
    };
    const CapturedGraph first(stream, enqueue);
    const CapturedGraph second(stream, enqueue);
    first.Launch(stream);
    enqueue();
    second.Launch(stream);
    first.Launch(stream);
    enqueue();
    stream.Synchronize();
    EXPECT_EQ(Ints(data), std::vector<int32_t>(kCount, 3 * 3 * 3 * 3 * 3));
  });
}

TEST(CaptureMixTest, AnAbortLetsLaunchesGoOn) {
  RunDeviceThreads(2, [](auto& communicator) {
    constexpr size_t kCount = 100'000;
    const UserStream stream;
    const DeviceBuffer data(kCount * sizeof(int32_t));
    const Operation operation = SumInPlace(data, kCount);
    const CapturedGraph graph(
        stream, [&] { ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus()); });
    if (communicator->rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      communicator->Abort("a test");
    }
    for (int i = 0; i < 3; ++i) {
      graph.Launch(stream);
      stream.Synchronize();
    }
    EXPECT_EQ(communicator->status().code(), StatusCode::kAborted);
    EXPECT_THAT(communicator->status().message(), HasSubstr("a test"));
  });
}

// More captures than words are pinned ahead, and more than bounce memory, on many graphs.
TEST(CaptureMixTest, ManyCapturedOperationsFindTheirWords) {
  RunDeviceThreads(2, [](auto& communicator) {
    constexpr size_t kCount = 8;
    constexpr int kGraphs = 40;
    constexpr int kOperations = 150;
    const UserStream stream;
    const std::vector<int32_t> zeros(kCount, 0);
    const DeviceBuffer data(std::as_bytes(std::span(zeros)));
    const Operation operation = SumInPlace(data, kCount);
    std::vector<std::unique_ptr<CapturedGraph>> graphs;
    for (int i = 0; i < kGraphs; ++i) {
      graphs.push_back(std::make_unique<CapturedGraph>(stream, [&] {
        for (int k = 0; k < kOperations; ++k) {
          ASSERT_EQ(communicator->Enqueue(operation, stream.get()), OkStatus());
        }
      }));
    }
    for (const size_t i : {size_t{0}, size_t{17}, graphs.size() - 1}) graphs[i]->Launch(stream);
    stream.Synchronize();
    EXPECT_EQ(communicator->status(), OkStatus());
    EXPECT_EQ(Ints(data), zeros);
  });
}

}  // namespace
}  // namespace flexmig::device
