// Every exported function survives null and wild arguments, and never calls that a success.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace {

constexpr int kUninitialized = 1;

// All arguments are integers or pointers, so one shape serves every function: registers that a
// function does not read do no harm.
using AnyFunction = int (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

// A wild pointer to write to is the caller's end in any library.
bool TakesNoHandle(const std::string& name) {
  return name.starts_with("nvmlSystem") || name.starts_with("nvmlDeviceGetCount") ||
         name.starts_with("nvmlDeviceGetHandleBy") || name.ends_with("Create") ||
         name == "nvmlGpmSampleAlloc" || name == "nvmlGpmMetricsGet";
}

class NvmlSimAbiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = ::dlopen(FLEXMIG_NVML_SIM, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << ::dlerror();
    std::ifstream list(FLEXMIG_NVML_EXPORTS);
    for (std::string name; std::getline(list, name);) {
      // Not about arguments: beginning, end, and the text of a code.
      if (name.starts_with("nvmlInit") || name == "nvmlShutdown" || name == "nvmlErrorString") {
        continue;
      }
      names_.push_back(name);
    }
    ASSERT_GT(names_.size(), 100U);
    ::setenv("FLEXMIG_SIM_NODE", "a100x1", 1);
    ::setenv("FLEXMIG_STATE_DIR", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] AnyFunction Find(const std::string& name) const {
    return reinterpret_cast<AnyFunction>(::dlsym(library_, name.c_str()));
  }
  [[nodiscard]] int Call(const std::string& name, uintptr_t a = 0, uintptr_t b = 0) const {
    return Find(name)(a, b, 0, 0, 0);
  }

  void* library_ = nullptr;
  std::vector<std::string> names_;
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("flexmig-abi-" + flexmig::RandomHex(8));
};

TEST_F(NvmlSimAbiTest, NullArgumentsAreRefused) {
  for (const std::string& name : names_) EXPECT_NE(Call(name), 0) << name << " before nvmlInit";
  ASSERT_EQ(Call("nvmlInit_v2"), 0);
  for (const std::string& name : names_) {
    const int code = Call(name);
    EXPECT_NE(code, 0) << name;
    EXPECT_NE(code, kUninitialized) << name;
  }
  EXPECT_EQ(Call("nvmlShutdown"), 0);
  EXPECT_EQ(Call("nvmlShutdown"), kUninitialized);
}

TEST_F(NvmlSimAbiTest, WildHandlesAreRefused) {
  ASSERT_EQ(Call("nvmlInit_v2"), 0);
  // Unaligned, high, all ones, and nearly one of ours: of a GPU that is not there, of no kind.
  for (const uintptr_t wild : {uintptr_t{0xdeadbeef}, UINTPTR_MAX, uintptr_t{0x464D494701090000},
                               uintptr_t{0x464D49470F000000}, uintptr_t{0x464D494700000000}}) {
    for (const std::string& name : names_) {
      if (TakesNoHandle(name)) continue;
      EXPECT_NE(Call(name, wild), 0) << name << " with " << wild;
    }
  }
  EXPECT_EQ(Call("nvmlShutdown"), 0);
}

TEST_F(NvmlSimAbiTest, AGpuWithoutAnywhereToAnswerIsRefused) {
  void* gpu = nullptr;
  ASSERT_EQ(Call("nvmlInit_v2"), 0);
  ASSERT_EQ(Call("nvmlDeviceGetHandleByIndex_v2", 0, reinterpret_cast<uintptr_t>(&gpu)), 0);
  for (const std::string& name : names_) {
    if (TakesNoHandle(name)) continue;
    EXPECT_NE(Call(name, reinterpret_cast<uintptr_t>(gpu)), 0) << name;
  }
  EXPECT_EQ(Call("nvmlShutdown"), 0);
}

TEST_F(NvmlSimAbiTest, EveryReferenceIsCounted) {
  unsigned count = 0;
  const auto out = reinterpret_cast<uintptr_t>(&count);
  ASSERT_EQ(Call("nvmlInit_v2"), 0);
  ASSERT_EQ(Call("nvmlInit"), 0);
  ASSERT_EQ(Call("nvmlShutdown"), 0);
  EXPECT_EQ(Call("nvmlDeviceGetCount_v2", out), 0);
  EXPECT_EQ(count, 1U);
  ASSERT_EQ(Call("nvmlShutdown"), 0);
  EXPECT_EQ(Call("nvmlDeviceGetCount_v2", out), kUninitialized);
}

}  // namespace
