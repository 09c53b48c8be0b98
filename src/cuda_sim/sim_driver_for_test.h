#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/cuda_abi/functions.h"
#include "flexmig/simhw/sim_node.h"

// One of the library's functions: CU(cuMemAlloc_v2)(&pointer, 16).
#define CU(name) (FindFunction<decltype(&cuda_abi::name)>(#name))

namespace flexmig::cuda_sim {

using cuda_abi::ResultCode;
using std::chrono::milliseconds;

template <typename Function>
Function FindFunction(const char* name) {
  static void* const library = ::dlopen(FLEXMIG_CUDA_SIM, RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<Function>(::dlsym(library, name));
}

#define EXPECT_CU(expression) EXPECT_EQ(ResultName(expression), "CUDA_SUCCESS")
#define ASSERT_CU(expression) ASSERT_EQ(ResultName(expression), "CUDA_SUCCESS")
#define EXPECT_CODE(code, expression) EXPECT_EQ(ResultName(expression), #code)

// A simulated node in a folder of its own, which the library reads from the environment when a test
// calls cuInit: once per process, so cases run in processes of their own.
class SimDriverTest : public ::testing::Test {
 protected:
  void SetUp() override { UseNode("a100x1"); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void UseNode(const char* name) {
    ::setenv("FLEXMIG_SIM_NODE", name, 1);
    ::setenv("FLEXMIG_STATE_DIR", folder_.c_str(), 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    const auto options = simhw::SimOptionsFromEnvironment();
    ASSERT_TRUE(options.ok());
    auto node = simhw::OpenSimNode(name, *options);
    ASSERT_TRUE(node.ok());
    node_ = *std::move(node);
  }
  // Cuts leaves of 1g.5gb on an A100; their UUIDs.
  std::vector<std::string> CutLeaves(int gpu, int count) {
    const mig::GpuIndex index(gpu);
    EXPECT_TRUE(node_->SetMigMode(index, true).ok());
    const auto& model = *node_->spec().boards[static_cast<size_t>(gpu)].model;
    const mig::Profile& profile = **model.FindProfile("1g.5gb");
    std::vector<std::string> uuids;
    for (int start = 0; start < count; ++start) {
      const auto instance = node_->CreateGpuInstance(index, {profile.id, {start, 1}});
      EXPECT_TRUE(instance.ok()) << instance.status().ToString();
      const auto leaf = node_->CreateComputeInstance(index, *instance);
      EXPECT_TRUE(leaf.ok()) << leaf.status().ToString();
      uuids.push_back(leaf->uuid.value());
    }
    return uuids;
  }
  // cuInit, and device 0's primary context.
  static void Begin() {
    ASSERT_CU(CU(cuInit)(0));
    cuda_abi::Context context = nullptr;
    ASSERT_CU(CU(cuDevicePrimaryCtxRetain)(&context, 0));
    ASSERT_CU(CU(cuCtxSetCurrent)(context));
  }

  static cuda_abi::Stream NewStream(bool non_blocking = true) {
    cuda_abi::Stream stream = nullptr;
    EXPECT_CU(CU(cuStreamCreate)(&stream, non_blocking ? cuda_abi::kStreamNonBlocking : 0));
    return stream;
  }
  static uint64_t NewMemory(size_t bytes) {
    uint64_t pointer = 0;
    EXPECT_CU(CU(cuMemAlloc_v2)(&pointer, bytes));
    return pointer;
  }
  template <typename T>
  static T* NewPinned(size_t count) {
    void* pointer = nullptr;
    EXPECT_CU(CU(cuMemHostAlloc)(&pointer, count * sizeof(T), cuda_abi::kHostDeviceMap));
    return static_cast<T*>(pointer);
  }
  static uint64_t Address(const volatile void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer);
  }

  // A word that streams write and wait for.
  static uint64_t LoadWord(uint64_t* word) { return std::atomic_ref<uint64_t>(*word).load(); }
  static void StoreWord(uint64_t* word, uint64_t value) {
    std::atomic_ref<uint64_t>(*word).store(value);
  }

  // A kernel by name.
  static cuda_abi::Function Kernel(const char* name) {
    const std::string ptx =
        std::string(".version 7.0\n.target sm_80\n.visible .entry ") + name + "() { ret; }\n";
    cuda_abi::Module module = nullptr;
    cuda_abi::Function function = nullptr;
    EXPECT_CU(CU(cuModuleLoadData)(&module, ptx.c_str()));
    EXPECT_CU(CU(cuModuleGetFunction)(&function, module, name));
    return function;
  }
  static ResultCode Launch(cuda_abi::Function function, std::vector<void*> parameters,
                           cuda_abi::Stream stream) {
    return CU(cuLaunchKernel)(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters.data(), nullptr);
  }
  // Keeps a stream busy.
  static void Occupy(cuda_abi::Stream stream, milliseconds time) {
    uint64_t us = static_cast<uint64_t>(time.count()) * 1000;
    EXPECT_CU(Launch(Kernel("flexmig_sim_busy"), {&us}, stream));
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("flexmig-cuda-" + RandomHex(8));
  std::unique_ptr<simhw::SimNode> node_;
};

}  // namespace flexmig::cuda_sim
