// What streams, events and words promise, through the library's functions.

#include <atomic>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

#include "sim_driver_for_test.h"

namespace flexmig::cuda_sim {
namespace {

class StreamTest : public SimDriverTest {};

TEST_F(StreamTest, WorkIsDoneInOrderUnderAnyDelays) {
  ::setenv("FLEXMIG_SIM_CUDA_DELAYS", "7:2ms", 1);
  Begin();
  const auto stream = NewStream();
  const uint64_t device = NewMemory(4096);
  auto* const seen = NewPinned<uint32_t>(40);
  const auto fill = Kernel("flexmig_sim_fill");
  uint64_t words = 1;
  for (uint32_t i = 0; i < 40; ++i) {
    uint32_t value = 1000 + i;
    uint64_t to = device;
    ASSERT_CU(Launch(fill, {&to, &value, &words}, stream));
    ASSERT_CU(CU(cuMemcpyDtoHAsync_v2)(seen + i, device, sizeof(uint32_t), stream));
  }
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  for (uint32_t i = 0; i < 40; ++i) EXPECT_EQ(seen[i], 1000 + i);
}

TEST_F(StreamTest, CallsReturnBeforeTheWorkIsDone) {
  Begin();
  const auto stream = NewStream();
  auto* const words = NewPinned<uint64_t>(2);
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(stream, Address(words), 1, 0));
  const uint64_t device = NewMemory(1 << 20);
  auto* const pinned = NewPinned<std::byte>(1 << 20);
  ASSERT_CU(CU(cuMemcpyAsync)(device, Address(pinned), 1 << 20, stream));
  ASSERT_CU(CU(cuMemsetD8Async)(device, 7, 1 << 20, stream));
  cuda_abi::Event event = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&event, 0));
  EXPECT_CU(CU(cuEventQuery)(event));  // never recorded
  ASSERT_CU(CU(cuEventRecord)(event, stream));
  EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuStreamQuery)(stream));
  EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuEventQuery)(event));
  StoreWord(&words[0], 1);
  EXPECT_CU(CU(cuEventSynchronize)(event));
  EXPECT_CU(CU(cuStreamQuery)(stream));
}

TEST_F(StreamTest, PageableMemoryIsCopiedBeforeTheCallReturns) {
  Begin();
  const auto stream = NewStream();
  const uint64_t device = NewMemory(4096);
  std::vector<std::byte> pageable(4096, std::byte{9});
  Occupy(stream, milliseconds(50));
  ASSERT_CU(CU(cuMemcpyHtoDAsync_v2)(device, pageable.data(), 4096, stream));
  EXPECT_CU(CU(cuStreamQuery)(stream));
  std::vector<std::byte> back(4096);
  ASSERT_CU(CU(cuMemcpyDtoHAsync_v2)(back.data(), device, 4096, stream));
  EXPECT_EQ(back, pageable);
}

TEST_F(StreamTest, EventsOrderStreams) {
  Begin();
  const auto first = NewStream();
  const auto second = NewStream();
  auto* const values = NewPinned<uint64_t>(8);
  cuda_abi::Event event = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&event, cuda_abi::kEventDisableTiming));
  Occupy(first, milliseconds(50));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(first, Address(&values[0]), 5, 0));
  ASSERT_CU(CU(cuEventRecord)(event, first));
  ASSERT_CU(CU(cuStreamWaitEvent)(second, event, 0));
  ASSERT_CU(CU(cuMemcpyAsync)(Address(&values[4]), Address(&values[0]), 8, second));
  // Recorded anew, the event does not change what waits already.
  Occupy(first, milliseconds(10'000));
  ASSERT_CU(CU(cuEventRecord)(event, first));
  ASSERT_CU(CU(cuStreamSynchronize)(second));
  EXPECT_EQ(values[4], 5U);
}

TEST_F(StreamTest, TheDefaultStreamOrdersWithBlockingStreamsOnly) {
  Begin();
  const auto blocking = NewStream(false);
  const auto other = NewStream(true);
  auto* const words = NewPinned<uint64_t>(16);
  // Behind a blocking stream that is held, the default stream is held, and so is what follows.
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(blocking, Address(&words[0]), 1, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(nullptr, Address(&words[1]), 1, 0));
  const auto late = NewStream(false);
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(late, Address(&words[2]), 1, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(other, Address(&words[3]), 1, 0));
  ASSERT_CU(CU(cuStreamSynchronize)(other));
  EXPECT_EQ(words[3], 1U);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(LoadWord(&words[1]), 0U);
  EXPECT_EQ(LoadWord(&words[2]), 0U);
  EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuStreamQuery)(nullptr));
  StoreWord(&words[0], 1);
  ASSERT_CU(CU(cuStreamSynchronize)(late));
  EXPECT_EQ(words[1], 1U);
  EXPECT_EQ(words[2], 1U);
}

TEST_F(StreamTest, WordsAreComparedAsCudaSays) {
  Begin();
  auto* const words = NewPinned<uint64_t>(4);
  const auto stream = NewStream();
  const auto passes = [&](uint64_t word, uint64_t value, uint32_t flags) {
    words[0] = word;
    EXPECT_CU(CU(cuStreamWaitValue64_v2)(stream, Address(words), value, flags));
    const auto end = std::chrono::steady_clock::now() + milliseconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (CU(cuStreamQuery)(stream) == ResultCode::kSuccess) return true;
      std::this_thread::yield();
    }
    // What is still held has to go on: 2^62 satisfies each of the comparisons that fail below.
    StoreWord(&words[0], flags == cuda_abi::kWaitValueEqual ? value : 1ULL << 62);
    EXPECT_CU(CU(cuStreamSynchronize)(stream));
    return false;
  };
  EXPECT_TRUE(passes(5, 5, cuda_abi::kWaitValueGreaterOrEqual));
  EXPECT_TRUE(passes(6, 5, cuda_abi::kWaitValueGreaterOrEqual));
  EXPECT_FALSE(passes(4, 5, cuda_abi::kWaitValueGreaterOrEqual));
  EXPECT_TRUE(passes(2, UINT64_MAX, cuda_abi::kWaitValueGreaterOrEqual));  // cyclic
  EXPECT_TRUE(passes(5, 5, cuda_abi::kWaitValueEqual));
  EXPECT_FALSE(passes(6, 5, cuda_abi::kWaitValueEqual));
  EXPECT_TRUE(passes(6, 2, cuda_abi::kWaitValueAnd));
  EXPECT_FALSE(passes(6, (1ULL << 62) | 1, cuda_abi::kWaitValueAnd));
  EXPECT_TRUE(passes(6, 1, cuda_abi::kWaitValueNor));
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE,
              CU(cuStreamWaitValue64_v2)(stream, Address(words) + 4, 1, 0));
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuStreamWaitValue64_v2)(stream, Address(words), 1, 4));
  uint64_t on_stack = 0;
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE,
              CU(cuStreamWriteValue64_v2)(stream, Address(&on_stack), 1, 0));
}

TEST_F(StreamTest, WordsMayLieInDeviceMemory) {
  Begin();
  const auto first = NewStream();
  const auto second = NewStream();
  const uint64_t word = NewMemory(8);
  auto* const value = NewPinned<uint32_t>(2);
  ASSERT_CU(CU(cuMemsetD8_v2)(word, 0, 8));
  ASSERT_CU(CU(cuStreamWaitValue32_v2)(second, word, 3, cuda_abi::kWaitValueEqual));
  ASSERT_CU(CU(cuMemcpyDtoHAsync_v2)(value, word, 8, second));
  ASSERT_CU(CU(cuStreamWriteValue32_v2)(first, word, 3, 0));
  ASSERT_CU(CU(cuStreamSynchronize)(second));
  EXPECT_EQ(value[0], 3U);
  EXPECT_EQ(value[1], 0U);
}

TEST_F(StreamTest, AnErrorOfADevicesWorkStays) {
  Begin();
  const auto stream = NewStream();
  const auto held = NewStream();
  auto* const words = NewPinned<uint64_t>(1);
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(held, Address(words), 1, 0));
  uint64_t to = 0xdead0000;
  uint32_t value = 1;
  uint64_t count = 4;
  ASSERT_CU(Launch(Kernel("flexmig_sim_fill"), {&to, &value, &count}, stream));
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuStreamSynchronize)(stream));
  uint64_t pointer = 0;
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuMemAlloc_v2)(&pointer, 16));
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuStreamSynchronize)(held));
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuCtxSynchronize)());
}

TEST_F(StreamTest, AStreamThatIsDestroyedDoesItsWork) {
  Begin();
  auto* const words = NewPinned<uint64_t>(1);
  const auto stream = NewStream();
  Occupy(stream, milliseconds(20));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream, Address(words), 9, 0));
  ASSERT_CU(CU(cuStreamDestroy_v2)(stream));
  EXPECT_CODE(CUDA_ERROR_INVALID_HANDLE, CU(cuStreamDestroy_v2)(stream));
  ASSERT_CU(CU(cuCtxSynchronize)());
  EXPECT_EQ(words[0], 9U);
}

TEST_F(StreamTest, HostFunctionsRunInTheStreamsOrder) {
  Begin();
  const auto stream = NewStream();
  std::vector<int> order;
  Occupy(stream, milliseconds(10));
  for (int i = 0; i < 3; ++i) {
    ASSERT_CU(CU(cuLaunchHostFunc)(
        stream,
        [](void* data) {
          auto* const list = static_cast<std::vector<int>*>(data);
          list->push_back(static_cast<int>(list->size()));
        },
        &order));
  }
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_F(StreamTest, EventsMeasureTime) {
  Begin();
  const auto stream = NewStream();
  cuda_abi::Event events[3] = {};
  for (auto& event : events) ASSERT_CU(CU(cuEventCreate)(&event, 0));
  float milliseconds_between = 0;
  EXPECT_CODE(CUDA_ERROR_INVALID_HANDLE,
              CU(cuEventElapsedTime_v2)(&milliseconds_between, events[0], events[1]));
  ASSERT_CU(CU(cuEventRecord)(events[0], stream));
  Occupy(stream, milliseconds(30));
  ASSERT_CU(CU(cuEventRecord)(events[1], stream));
  EXPECT_CODE(CUDA_ERROR_NOT_READY,
              CU(cuEventElapsedTime_v2)(&milliseconds_between, events[0], events[1]));
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  ASSERT_CU(CU(cuEventElapsedTime_v2)(&milliseconds_between, events[0], events[1]));
  EXPECT_GE(milliseconds_between, 29.0F);
}

// The kernel of small operations, without the parts that answer it.
TEST_F(StreamTest, AnExchangeStoresWaitsAndLoads) {
  Begin();
  const auto stream = NewStream();
  const auto exchange = Kernel("flexmig_exchange");
  const uint64_t device = NewMemory(128);
  auto* const staging = NewPinned<std::byte>(256);
  auto* const words = NewPinned<uint64_t>(64);
  ASSERT_CU(CU(cuMemsetD8_v2)(device, 5, 64));
  std::memset(staging + 128, 6, 64);
  const auto launch = [&](uint64_t start_value) {
    uint64_t send = device;
    uint64_t bytes = 64;
    uint64_t in = Address(staging);
    uint64_t start = Address(&words[0]);
    uint64_t done = Address(&words[16]);
    uint64_t abort = Address(&words[32]);
    uint64_t receive = device + 64;
    uint64_t out = Address(staging + 128);
    return Launch(exchange,
                  {&send, &bytes, &in, &start, &start_value, &done, &start_value, &abort, &receive,
                   &out, &bytes},
                  stream);
  };
  ASSERT_CU(launch(1));
  const auto start = [&] { return LoadWord(&words[0]); };
  for (int i = 0; i < 10'000 && start() != 1; ++i) std::this_thread::sleep_for(milliseconds(1));
  ASSERT_EQ(start(), 1U);
  EXPECT_EQ(staging[63], std::byte{5});
  EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuStreamQuery)(stream));
  StoreWord(&words[16], 1);
  ASSERT_CU(CU(cuMemcpyDtoHAsync_v2)(staging, device + 64, 64, stream));
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(staging[0], std::byte{6});
  EXPECT_EQ(staging[63], std::byte{6});

  // An abort ends the wait, and nothing is loaded.
  std::memset(staging + 128, 7, 64);
  ASSERT_CU(launch(2));
  StoreWord(&words[32], 1);
  ASSERT_CU(CU(cuMemcpyDtoHAsync_v2)(staging, device + 64, 64, stream));
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(staging[0], std::byte{6});
}

TEST_F(StreamTest, AForkedProcessHasNoDriver) {
  Begin();
  const pid_t child = ::fork();
  if (child == 0) {
    uint64_t pointer = 0;
    const bool refused = CU(cuMemAlloc_v2)(&pointer, 16) == ResultCode::kNotInitialized &&
                         CU(cuInit)(0) == ResultCode::kNotInitialized;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flexmig::cuda_sim
