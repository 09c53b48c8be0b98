// Captures into graphs and their launches, through the library's functions.

#include <atomic>
#include <functional>

#include "sim_driver_for_test.h"

namespace flexmig::cuda_sim {
namespace {

using cuda_abi::CaptureMode;
using cuda_abi::CaptureStatus;

class CaptureTest : public SimDriverTest {
 protected:
  void SetUp() override {
    SimDriverTest::SetUp();
    Begin();
    stream_ = NewStream();
    words_ = NewPinned<uint64_t>(64);
  }
  [[nodiscard]] uint64_t Word(int i) const { return Address(&words_[i]); }
  [[nodiscard]] uint64_t Load(int i) const { return LoadWord(&words_[i]); }
  void Store(int i, uint64_t value) const { StoreWord(&words_[i], value); }

  cuda_abi::GraphExec EndAndInstantiate() const {
    cuda_abi::Graph graph = nullptr;
    cuda_abi::GraphExec exec = nullptr;
    EXPECT_CU(CU(cuStreamEndCapture)(stream_, &graph));
    EXPECT_CU(CU(cuGraphInstantiateWithFlags)(&exec, graph, 0));
    EXPECT_CU(CU(cuGraphDestroy)(graph));
    return exec;
  }

  cuda_abi::Stream stream_ = nullptr;
  uint64_t* words_ = nullptr;
};

TEST_F(CaptureTest, EverythingThatAStreamCarriesIsReplayed) {
  const uint64_t device = NewMemory(64);
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  auto* const total = &words_[40];
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream_, Word(0), 1, 0));
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(stream_, Word(1), 1, cuda_abi::kWaitValueEqual));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream_, Word(1), 0, 0));
  ASSERT_CU(CU(cuMemsetD8Async)(device, 3, 64, stream_));
  ASSERT_CU(CU(cuMemcpyAsync)(Word(8), device, 16, stream_));
  ASSERT_CU(CU(cuLaunchHostFunc)(
      stream_, [](void* data) { ++*static_cast<uint64_t*>(data); }, total));
  const auto exec = EndAndInstantiate();
  EXPECT_EQ(Load(0), 0U);  // nothing has been done so far
  for (uint64_t launch = 1; launch <= 3; ++launch) {
    Store(0, 0);
    words_[8] = 0;
    ASSERT_CU(CU(cuGraphLaunch)(exec, stream_));
    EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuStreamQuery)(stream_));
    for (int i = 0; i < 10'000 && Load(0) != 1; ++i) std::this_thread::sleep_for(milliseconds(1));
    ASSERT_EQ(Load(0), 1U);
    Store(1, 1);
    ASSERT_CU(CU(cuStreamSynchronize)(stream_));
    EXPECT_EQ(Load(1), 0U);
    EXPECT_EQ(words_[8], 0x0303030303030303U);
    EXPECT_EQ(*total, launch);
  }
  EXPECT_CU(CU(cuGraphExecDestroy)(exec));
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE, CU(cuGraphLaunch)(exec, stream_));
}

TEST_F(CaptureTest, KernelsAreReplayedWithTheirParameters) {
  const auto fill = Kernel("flexmig_sim_fill");
  uint64_t to = Word(8);
  uint32_t value = 7;
  uint64_t count = 2;
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  ASSERT_CU(Launch(fill, {&to, &value, &count}, stream_));
  value = 8;  // read when it was launched
  const auto exec = EndAndInstantiate();
  ASSERT_CU(CU(cuGraphLaunch)(exec, stream_));
  ASSERT_CU(CU(cuStreamSynchronize)(stream_));
  EXPECT_EQ(words_[8], 0x0000000700000007U);
}

TEST_F(CaptureTest, BranchesRunSideBySideAndJoin) {
  const auto branch = NewStream();
  cuda_abi::Event fork = nullptr;
  cuda_abi::Event join = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&fork, cuda_abi::kEventDisableTiming));
  ASSERT_CU(CU(cuEventCreate)(&join, cuda_abi::kEventDisableTiming));
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  ASSERT_CU(CU(cuEventRecord)(fork, stream_));
  ASSERT_CU(CU(cuStreamWaitEvent)(branch, fork, 0));
  CaptureStatus status{};
  uint64_t ids[2] = {};
  ASSERT_CU(CU(cuStreamGetCaptureInfo_v2)(stream_, &status, &ids[0], nullptr, nullptr, nullptr));
  ASSERT_CU(CU(cuStreamGetCaptureInfo)(branch, &status, &ids[1]));
  EXPECT_EQ(status, CaptureStatus::kActive);
  EXPECT_EQ(ids[0], ids[1]);
  // Each branch waits for the other one.
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(stream_, Word(0), 1, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream_, Word(1), 1, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(branch, Word(0), 1, 0));
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(branch, Word(1), 1, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(branch, Word(2), 5, 0));
  ASSERT_CU(CU(cuEventRecord)(join, branch));
  ASSERT_CU(CU(cuStreamWaitEvent)(stream_, join, 0));
  ASSERT_CU(CU(cuMemcpyAsync)(Word(3), Word(2), 8, stream_));
  const auto exec = EndAndInstantiate();
  ASSERT_CU(CU(cuStreamIsCapturing)(branch, &status));
  EXPECT_EQ(status, CaptureStatus::kNone);
  ASSERT_CU(CU(cuGraphLaunch)(exec, stream_));
  ASSERT_CU(CU(cuStreamSynchronize)(stream_));
  EXPECT_EQ(words_[3], 5U);
  EXPECT_CODE(CUDA_ERROR_CAPTURED_EVENT, CU(cuEventQuery)(join));
}

TEST_F(CaptureTest, ABranchThatIsNotJoinedIsAnError) {
  const auto branch = NewStream();
  cuda_abi::Event fork = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&fork, 0));
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream_, Word(0), 1, 0));
  ASSERT_CU(CU(cuEventRecord)(fork, stream_));
  ASSERT_CU(CU(cuStreamWaitEvent)(branch, fork, 0));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(branch, Word(1), 1, 0));
  cuda_abi::Graph graph = nullptr;
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, CU(cuStreamEndCapture)(stream_, &graph));
  EXPECT_EQ(graph, nullptr);
  ASSERT_CU(CU(cuStreamSynchronize)(branch));  // is free again
}

TEST_F(CaptureTest, CallsThatWaitAreForbiddenAndSpoilTheCapture) {
  cuda_abi::Event event = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&event, 0));
  const auto spoils = [&](const std::function<ResultCode()>& call) {
    EXPECT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
    EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, call());
    cuda_abi::Graph graph = nullptr;
    EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, CU(cuStreamEndCapture)(stream_, &graph));
  };
  uint64_t pointer = 0;
  spoils([&] { return CU(cuMemAlloc_v2)(&pointer, 16); });
  spoils([&] { return CU(cuStreamSynchronize)(stream_); });
  spoils([&] { return CU(cuEventQuery)(event); });
  spoils([&] { return CU(cuCtxSynchronize)(); });
  spoils([&] { return CU(cuMemcpy)(Word(0), Word(1), 8); });
}

TEST_F(CaptureTest, AThreadThatIgnoresCapturesMayDoAnything) {
  cuda_abi::Event event = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&event, 0));
  cuda_abi::Context context = nullptr;
  ASSERT_CU(CU(cuCtxGetCurrent)(&context));
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  std::thread([&] {
    EXPECT_CU(CU(cuCtxSetCurrent)(context));
    auto mode = CaptureMode::kRelaxed;
    EXPECT_CU(CU(cuThreadExchangeStreamCaptureMode)(&mode));
    EXPECT_EQ(mode, CaptureMode::kGlobal);
    EXPECT_CU(CU(cuEventQuery)(event));
    EXPECT_CU(CU(cuEventSynchronize)(event));
    const auto own = NewStream();
    EXPECT_CU(CU(cuMemcpyAsync)(Word(0), Word(1), 8, own));
    EXPECT_CU(CU(cuStreamSynchronize)(own));
  }).join();
  CaptureStatus status{};
  ASSERT_CU(CU(cuStreamIsCapturing)(stream_, &status));
  EXPECT_EQ(status, CaptureStatus::kActive);
  std::thread([&] {
    EXPECT_CU(CU(cuCtxSetCurrent)(context));
    cuda_abi::Graph graph = nullptr;
    EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, CU(cuStreamEndCapture)(stream_, &graph));
    EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, CU(cuEventQuery)(event));
  }).join();
  ASSERT_CU(CU(cuStreamIsCapturing)(stream_, &status));
  EXPECT_EQ(status, CaptureStatus::kInvalidated);
}

TEST_F(CaptureTest, CapturesAndOtherWorkStayApart) {
  const auto other = NewStream();
  cuda_abi::Event event = nullptr;
  ASSERT_CU(CU(cuEventCreate)(&event, 0));
  ASSERT_CU(CU(cuEventRecord)(event, other));
  cuda_abi::Graph graph = nullptr;

  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kRelaxed));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, CU(cuStreamWaitEvent)(stream_, event, 0));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, CU(cuStreamEndCapture)(stream_, &graph));

  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kRelaxed));
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(other, CaptureMode::kRelaxed));
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_STATE, CU(cuStreamBeginCapture_v2)(other, CaptureMode::kRelaxed));
  ASSERT_CU(CU(cuEventRecord)(event, other));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_MERGE, CU(cuStreamWaitEvent)(stream_, event, 0));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, CU(cuStreamEndCapture)(stream_, &graph));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, CU(cuStreamEndCapture)(other, &graph));
  EXPECT_CODE(CUDA_ERROR_ILLEGAL_STATE, CU(cuStreamEndCapture)(other, &graph));

  const auto blocking = NewStream(false);
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
              CU(cuStreamBeginCapture_v2)(nullptr, CaptureMode::kRelaxed));
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(blocking, CaptureMode::kRelaxed));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, CU(cuMemcpyAsync)(Word(0), Word(1), 8, nullptr));
  EXPECT_CODE(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, CU(cuStreamEndCapture)(blocking, &graph));
}

TEST_F(CaptureTest, LaunchesOfOneProgramFollowEachOther) {
  ASSERT_CU(CU(cuStreamBeginCapture_v2)(stream_, CaptureMode::kGlobal));
  ASSERT_CU(CU(cuStreamWaitValue64_v2)(stream_, Word(0), 1, cuda_abi::kWaitValueEqual));
  ASSERT_CU(CU(cuStreamWriteValue64_v2)(stream_, Word(0), 0, 0));
  ASSERT_CU(CU(cuLaunchHostFunc)(
      stream_, [](void* data) { ++*static_cast<uint64_t*>(data); }, &words_[40]));
  const auto exec = EndAndInstantiate();
  const auto other = NewStream();
  ASSERT_CU(CU(cuGraphLaunch)(exec, stream_));
  ASSERT_CU(CU(cuGraphLaunch)(exec, other));
  Store(0, 1);
  ASSERT_CU(CU(cuStreamSynchronize)(stream_));
  EXPECT_CODE(CUDA_ERROR_NOT_READY, CU(cuStreamQuery)(other));
  Store(0, 1);
  ASSERT_CU(CU(cuStreamSynchronize)(other));
  EXPECT_EQ(words_[40], 2U);
}

}  // namespace
}  // namespace flexmig::cuda_sim
