// The seam over the simulated driver: the way through dlopen that production takes.

#include "flexmig/cuda/driver.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/random.h"
#include "flexmig/cuda_abi/functions.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::cuda {
namespace {

using std::chrono::milliseconds;

constexpr char kFill[] =
    ".version 7.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry flexmig_sim_fill(\n  .param .u64 to, .param .u32 value, .param .u64 words)\n"
    "{ ret; }\n.visible .entry nobody_knows_this() { ret; }\n";

// A process with the leaf 1g.5gb of an A100 as its device.
class DriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("FLEXMIG_SIM_NODE", "a100x1", 1);
    ::setenv("FLEXMIG_STATE_DIR", folder_.c_str(), 1);
    auto options = simhw::SimOptionsFromEnvironment();
    ASSERT_TRUE(options.ok());
    auto node = simhw::OpenSimNode("a100x1", *options);
    ASSERT_TRUE(node.ok());
    node_ = *std::move(node);
    const mig::GpuIndex gpu(0);
    ASSERT_TRUE(node_->SetMigMode(gpu, true).ok());
    const auto& model = *node_->spec().boards[0].model;
    const mig::Profile& profile = **model.FindProfile("1g.5gb");
    for (const int start : {0, 1}) {
      const auto instance = node_->CreateGpuInstance(gpu, {profile.id, {start, 1}});
      ASSERT_TRUE(instance.ok()) << instance.status().ToString();
      const auto leaf = node_->CreateComputeInstance(gpu, *instance);
      ASSERT_TRUE(leaf.ok()) << leaf.status().ToString();
      uuids_.push_back(leaf->uuid.value());
    }
    ::setenv("CUDA_VISIBLE_DEVICES", uuids_[1].c_str(), 1);
    auto driver = Driver::LoadFrom(FLEXMIG_CUDA_SIM);
    ASSERT_TRUE(driver.ok()) << driver.status().ToString();
    driver_ = *driver;
    const auto context = driver_->CurrentOrPrimary();
    ASSERT_TRUE(context.ok()) << context.status().ToString();
    auto stream = driver_->CreateStream();
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    stream_ = *stream;
    ASSERT_TRUE(driver_->RegisterHost(Pinned()).ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::span<std::byte> Pinned() { return {pinned_, sizeof pinned_}; }
  [[nodiscard]] uint64_t AddressOf(const void* pinned) {
    const auto address = driver_->DeviceAddressOf(pinned);
    EXPECT_TRUE(address.ok()) << address.status().ToString();
    return address.ok() ? *address : 0;
  }
  [[nodiscard]] bool IsDoneWithin(Event event, milliseconds limit) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      const auto done = driver_->IsDone(event);
      EXPECT_TRUE(done.ok()) << done.status().ToString();
      if (!done.ok() || *done) return done.ok();
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("flexmig-cuda-" + RandomHex(8));
  std::unique_ptr<simhw::SimNode> node_;
  std::vector<std::string> uuids_;
  const Driver* driver_ = nullptr;
  Stream stream_{};
  alignas(4096) std::byte pinned_[1 << 16] = {};
};

TEST_F(DriverTest, TheDeviceIsTheLeaf) {
  const auto facts = driver_->Facts();
  ASSERT_TRUE(facts.ok()) << facts.status().ToString();
  EXPECT_EQ(facts->name, "NVIDIA A100-SXM4-40GB MIG 1g.5gb");
  EXPECT_TRUE(facts->is_mig);
  EXPECT_EQ(UuidText(*facts), uuids_[1]);
  EXPECT_EQ(facts->compute_major, 8);
  EXPECT_GE(facts->copy_engines, 1);
  EXPECT_TRUE(facts->has_wait_64);
  EXPECT_FALSE(facts->pci_bus_id.empty());
  EXPECT_EQ(*driver_->DeviceCount(), 1);
  EXPECT_EQ(driver_->version(), 13000);
}

TEST_F(DriverTest, TheNodeListsTheProcessWhileItHasAContext) {
  const auto processes = node_->ListProcesses(mig::GpuIndex(0));
  ASSERT_TRUE(processes.ok());
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ((*processes)[0].pid, ::getpid());
}

TEST_F(DriverTest, CopiesGoThereAndBack) {
  for (size_t i = 0; i < 30000; ++i) pinned_[i] = static_cast<std::byte>(i * 7 + i / 251);
  const auto device = driver_->Allocate(30000);
  ASSERT_TRUE(device.ok());
  ASSERT_TRUE(driver_->Copy(*device, pinned_, 30000, stream_).ok());
  ASSERT_TRUE(driver_->Copy(pinned_ + 32768, *device, 30000, stream_).ok());
  ASSERT_TRUE(driver_->Synchronize(stream_).ok());
  EXPECT_EQ(std::memcmp(pinned_, pinned_ + 32768, 30000), 0);
  EXPECT_EQ(driver_->FactsOf(*device)->kind, PointerFacts::Kind::kDevice);
  EXPECT_EQ(driver_->FactsOf(static_cast<std::byte*>(*device) + 29999)->device, 0);
  EXPECT_EQ(driver_->FactsOf(static_cast<std::byte*>(*device) + 30000)->kind,
            PointerFacts::Kind::kUnregistered);
  EXPECT_EQ(driver_->FactsOf(pinned_)->kind, PointerFacts::Kind::kHost);
  const int on_stack = 0;
  EXPECT_EQ(driver_->FactsOf(&on_stack)->kind, PointerFacts::Kind::kUnregistered);
  EXPECT_TRUE(driver_->Free(*device).ok());
  EXPECT_EQ(driver_->Free(*device).code(), StatusCode::kInvalidArgument);
}

TEST_F(DriverTest, RowsAreCopiedAtTheirPitches) {
  for (size_t i = 0; i < 4096; ++i) pinned_[i] = static_cast<std::byte>(i % 251);
  void* const device = *driver_->Allocate(4096);
  ASSERT_TRUE(driver_->CopyRows(device, 100, pinned_, 300, 50, 7, stream_).ok());
  ASSERT_TRUE(driver_->CopyRows(pinned_ + 8192, 64, device, 100, 50, 7, stream_).ok());
  ASSERT_TRUE(driver_->Synchronize(stream_).ok());
  for (size_t row = 0; row < 7; ++row) {
    EXPECT_EQ(std::memcmp(pinned_ + 8192 + row * 64, pinned_ + row * 300, 50), 0) << row;
  }
}

TEST_F(DriverTest, AStreamHoldsUntilItsWordComesAndThenTellsTheHost) {
  auto* const words = reinterpret_cast<uint64_t*>(pinned_);
  ASSERT_TRUE(driver_->AwaitValue(stream_, AddressOf(&words[0]), 5, Comparison::kAtLeast).ok());
  ASSERT_TRUE(driver_->WriteValue(stream_, AddressOf(&words[16]), 77).ok());
  const Event event = *driver_->CreateEvent();
  ASSERT_TRUE(driver_->Record(event, stream_).ok());
  std::this_thread::sleep_for(milliseconds(20));
  std::atomic_ref<uint64_t> start(words[0]);
  std::atomic_ref<uint64_t> done(words[16]);
  EXPECT_FALSE(*driver_->IsDone(event));
  start = 4;
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_FALSE(*driver_->IsDone(event));
  EXPECT_EQ(done.load(), 0U);
  start = 6;
  EXPECT_TRUE(IsDoneWithin(event, milliseconds(10000)));
  EXPECT_EQ(done.load(), 77U);
}

TEST_F(DriverTest, KernelsAreFoundByName) {
  const auto module = driver_->LoadModule(kFill);
  ASSERT_TRUE(module.ok()) << module.status().ToString();
  EXPECT_EQ(driver_->FindFunction(*module, "nobody_knows_this").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(driver_->FindFunction(*module, "flexmig_exchange").status().code(),
            StatusCode::kNotFound);
  const auto fill = driver_->FindFunction(*module, "flexmig_sim_fill");
  ASSERT_TRUE(fill.ok());
  void* to = *driver_->Allocate(4096);
  uint32_t value = 0xdeadbeef;
  uint64_t words = 1024;
  void* const arguments[] = {&to, &value, &words};
  ASSERT_TRUE(driver_->Launch(*fill, 1, 32, arguments, stream_).ok());
  ASSERT_TRUE(driver_->Copy(pinned_, to, 4096, stream_).ok());
  ASSERT_TRUE(driver_->Synchronize(stream_).ok());
  for (size_t i = 0; i < 1024; ++i) {
    uint32_t word = 0;
    std::memcpy(&word, pinned_ + i * 4, 4);
    ASSERT_EQ(word, 0xdeadbeefU) << i;
  }
  EXPECT_EQ(driver_->LoadModule("no PTX at all").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(driver_->LoadModule(".ptx?").status().code(), StatusCode::kUnimplemented);
}

TEST_F(DriverTest, AStreamOutsideACaptureSaysSo) {
  EXPECT_EQ(driver_->CaptureOf(stream_)->kind, CaptureState::Kind::kNone);
  EXPECT_TRUE(driver_->IgnoreCaptures().ok());
}

TEST_F(DriverTest, AStreamInACaptureSaysSoAndForbidsOtherCalls) {
  void* const library = ::dlopen(FLEXMIG_CUDA_SIM, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr);
  const auto begin = reinterpret_cast<decltype(&cuda_abi::cuStreamBeginCapture_v2)>(
      ::dlsym(library, "cuStreamBeginCapture_v2"));
  const auto stream = reinterpret_cast<cuda_abi::Stream>(static_cast<uintptr_t>(stream_));
  ASSERT_EQ(begin(stream, cuda_abi::CaptureMode::kGlobal), cuda_abi::ResultCode::kSuccess);
  const auto state = driver_->CaptureOf(stream_);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->kind, CaptureState::Kind::kActive);
  EXPECT_NE(state->id, 0U);
  // Recorded, not done.
  auto* const words = reinterpret_cast<uint64_t*>(pinned_);
  EXPECT_TRUE(driver_->WriteValue(stream_, AddressOf(&words[0]), 1).ok());
  const Context context = *driver_->CurrentOrPrimary();
  std::thread([&] {
    ASSERT_TRUE(driver_->SetCurrent(context).ok());
    ASSERT_TRUE(driver_->IgnoreCaptures().ok());
    EXPECT_TRUE(driver_->Allocate(16).ok());
  }).join();
  EXPECT_EQ(words[0], 0U);
  EXPECT_EQ(driver_->CaptureOf(stream_)->kind, CaptureState::Kind::kActive);
  EXPECT_EQ(driver_->Allocate(16).status().ToString(),
            "kPermissionDenied: cuMemAlloc: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED");
  EXPECT_EQ(driver_->CaptureOf(stream_)->kind, CaptureState::Kind::kInvalidated);
}

TEST_F(DriverTest, AContextThatHasDiedSaysOfWhat) {
  const Module module = *driver_->LoadModule(kFill);
  const Function fill = *driver_->FindFunction(module, "flexmig_sim_fill");
  void* to = reinterpret_cast<void*>(0xdead0000);
  uint32_t value = 1;
  uint64_t words = 1;
  void* const arguments[] = {&to, &value, &words};
  ASSERT_TRUE(driver_->Launch(fill, 1, 1, arguments, stream_).ok());
  EXPECT_EQ(driver_->Synchronize(stream_).ToString(),
            "kInternal: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(driver_->CreateEvent().status().code(), StatusCode::kInternal);
}

TEST_F(DriverTest, MemoryEndsWithTheLeafs) {
  EXPECT_EQ(driver_->Allocate(size_t{6} << 30).status().code(), StatusCode::kResourceExhausted);
  const auto most = driver_->Allocate(size_t{4} << 30);
  ASSERT_TRUE(most.ok());
  EXPECT_EQ(driver_->Allocate(size_t{4} << 30).status().code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(driver_->Free(*most).ok());
  EXPECT_TRUE(driver_->Allocate(size_t{4} << 30).ok());
}

TEST_F(DriverTest, RegisteringTwiceIsRefusedByName) {
  const Status again = driver_->RegisterHost(Pinned());
  EXPECT_EQ(again.ToString(),
            "kFailedPrecondition: cuMemHostRegister: CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED");
  ASSERT_TRUE(driver_->UnregisterHost(pinned_).ok());
  EXPECT_EQ(driver_->UnregisterHost(pinned_).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(driver_->DeviceAddressOf(pinned_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(DriverTest, TheProcessorCannotTouchDeviceMemory) {
  auto* const device = static_cast<volatile char*>(*driver_->Allocate(4096));
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH({ *device = 1; }, "");
}

TEST(DriverLoadTest, AMissingLibraryIsUnavailable) {
  const auto driver = Driver::LoadFrom("/nowhere/libcuda.so.1");
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(driver.status().message().find("FLEXMIG_CUDA_PATH"), std::string::npos);
}

TEST(DriverLoadTest, ALibraryThatIsNoDriverIsNamedWithWhatItLacks) {
  const auto driver = Driver::LoadFrom("libm.so.6");
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.status().code(), StatusCode::kUnimplemented);
  EXPECT_NE(driver.status().message().find("cuMemcpyAsync"), std::string::npos);
}

TEST(DriverLoadTest, NoVisibleDeviceIsUnavailable) {
  const auto folder = std::filesystem::temp_directory_path() / ("flexmig-cuda-" + RandomHex(8));
  ::setenv("FLEXMIG_SIM_NODE", "a100x1", 1);
  ::setenv("FLEXMIG_STATE_DIR", folder.c_str(), 1);
  ::setenv("CUDA_VISIBLE_DEVICES", "MIG-00000000-0000-0000-0000-000000000000", 1);
  const auto driver = Driver::LoadFrom(FLEXMIG_CUDA_SIM);
  ASSERT_FALSE(driver.ok());
  EXPECT_EQ(driver.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(driver.status().message().find("CUDA_ERROR_NO_DEVICE"), std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace flexmig::cuda
