// Bytes on the links, and the time that they take; over several processes.

#include <csignal>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

#include "sim_driver_for_test.h"

namespace flexmig::cuda_sim {
namespace {

using LinkBytes = ResultCode (*)(uint32_t gpu, uint64_t* up, uint64_t* down);
using ResetLinks = ResultCode (*)();

struct Crossed {
  uint64_t up = 0;
  uint64_t down = 0;
};
Crossed BytesOf(uint32_t gpu) {
  Crossed crossed;
  EXPECT_CU(FindFunction<LinkBytes>("flexmigSimLinkBytes")(gpu, &crossed.up, &crossed.down));
  return crossed;
}

class LinkTest : public SimDriverTest {
 protected:
  // Runs `body` in a process of its own, with the leaf as its device; the exit status is 0 if no
  // expectation failed.
  static pid_t Start(const std::string& visible, const std::function<void()>& body) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setenv("CUDA_VISIBLE_DEVICES", visible.c_str(), 1);
    Begin();
    body();
    ::_exit(HasFailure() ? 1 : 0);
  }
  static void ExpectSuccess(pid_t child) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
};

TEST_F(LinkTest, EachDirectionIsCounted) {
  Begin();
  const uint64_t device = NewMemory(1 << 20);
  auto* const pinned = NewPinned<std::byte>(1 << 20);
  const auto stream = NewStream();
  ASSERT_CU(CU(cuMemcpyAsync)(device, Address(pinned), 1000, stream));
  ASSERT_CU(CU(cuMemcpyAsync)(Address(pinned), device, 300, stream));
  ASSERT_CU(CU(cuMemcpyAsync)(device + 4096, device, 4096, stream));                 // on the GPU
  ASSERT_CU(CU(cuMemcpyAsync)(Address(pinned), Address(pinned + 512), 64, stream));  // on the host
  ASSERT_CU(CU(cuStreamSynchronize)(stream));
  std::vector<std::byte> pageable(50);
  ASSERT_CU(CU(cuMemcpyHtoD_v2)(device, pageable.data(), 50));
  const Crossed crossed = BytesOf(0);
  EXPECT_EQ(crossed.up, 300U);
  EXPECT_EQ(crossed.down, 1050U);
  ASSERT_CU(FindFunction<ResetLinks>("flexmigSimResetLinks")());
  EXPECT_EQ(BytesOf(0).down, 0U);
  uint64_t bytes = 0;
  EXPECT_CODE(CUDA_ERROR_INVALID_VALUE,
              FindFunction<LinkBytes>("flexmigSimLinkBytes")(32, &bytes, &bytes));
}

TEST_F(LinkTest, ProcessesShareTheCountOfTheirGpuAndAKilledOneDoesNoHarm) {
  const auto leaves = CutLeaves(0, 3);
  const auto copy = [](size_t bytes) {
    const uint64_t device = NewMemory(bytes);
    auto* const pinned = NewPinned<std::byte>(bytes);
    for (int i = 0; i < 10; ++i) {
      EXPECT_CU(CU(cuMemcpyHtoD_v2)(device, pinned, bytes));
      EXPECT_CU(CU(cuMemcpyDtoH_v2)(pinned, device, bytes));
    }
  };
  const pid_t first = Start(leaves[0], [&] { copy(1000); });
  const pid_t second = Start(leaves[1], [&] { copy(100); });
  ExpectSuccess(first);
  ExpectSuccess(second);
  EXPECT_EQ(BytesOf(0).up, 11'000U);
  EXPECT_EQ(BytesOf(0).down, 11'000U);

  // One that never stops, until it is killed; its bytes up to then count, and others go on.
  const pid_t third = Start(leaves[2], [&] {
    while (true) copy(4096);
  });
  for (int i = 0; i < 10'000 && BytesOf(0).up < 200'000; ++i) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  ASSERT_EQ(::kill(third, SIGKILL), 0);
  int status = -1;
  ASSERT_EQ(::waitpid(third, &status, 0), third);
  EXPECT_TRUE(WIFSIGNALED(status));
  const Crossed before = BytesOf(0);
  EXPECT_GE(before.up, 200'000U);
  ExpectSuccess(Start(leaves[0], [&] { copy(1000); }));
  EXPECT_EQ(BytesOf(0).up, before.up + 10'000);
  EXPECT_EQ(BytesOf(0).down, before.down + 10'000);
}

TEST_F(LinkTest, AKilledProcessIsGoneFromTheNode) {
  const auto leaves = CutLeaves(0, 1);
  const pid_t child = Start(leaves[0], [] { ::pause(); });
  const auto users = [&] { return node_->ListProcesses(mig::GpuIndex(0))->size(); };
  for (int i = 0; i < 10'000 && users() == 0; ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(users(), 1U);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(users(), 0U);
}

// Ratios only, with wide bounds: the machine may be busy with other things.
TEST_F(LinkTest, ALimitMakesBytesTakeTimeAndIsShared) {
  ::setenv("FLEXMIG_SIM_LINK", "100MB/s", 1);
  const auto leaves = CutLeaves(0, 2);
  const auto copy = [] {
    const size_t bytes = 10'000'000;
    const uint64_t device = NewMemory(bytes);
    auto* const pinned = NewPinned<std::byte>(bytes);
    EXPECT_CU(CU(cuMemcpyHtoD_v2)(device, pinned, bytes));
  };
  const auto seconds = [&](int processes) {
    std::vector<pid_t> children;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < processes; ++i) {
      children.push_back(Start(leaves[static_cast<size_t>(i)], copy));
    }
    for (const pid_t child : children) ExpectSuccess(child);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double alone = seconds(1);
  EXPECT_GE(alone, 0.09);  // 10 MB at 100 MB/s
  EXPECT_GE(seconds(2), 0.19);
}

TEST_F(LinkTest, ABandwidthWithoutUnitIsRefused) {
  for (const char* wrong : {"25", "25GB", "0GB/s", "-1GB/s", "25 GB/s", "fast"}) {
    ::setenv("FLEXMIG_SIM_LINK", wrong, 1);
    EXPECT_CODE(CUDA_ERROR_NO_DEVICE, CU(cuInit)(0));
    const char* text = nullptr;
    ASSERT_CU(CU(cuGetErrorString)(ResultCode::kNoDevice, &text));
    EXPECT_EQ(std::string(text).find("FLEXMIG_SIM_LINK: "), 0U) << text;
  }
  ::setenv("FLEXMIG_SIM_LINK", "25GB/s", 1);
  EXPECT_CU(CU(cuInit)(0));
}

TEST_F(LinkTest, DelaysWithoutSeedOrUnitAreRefused) {
  for (const char* wrong : {"7", "5ms", "7:5", "x:5ms", "7:5ms:1", ":5ms", "-1:5ms"}) {
    ::setenv("FLEXMIG_SIM_CUDA_DELAYS", wrong, 1);
    EXPECT_CODE(CUDA_ERROR_NO_DEVICE, CU(cuInit)(0));
    const char* text = nullptr;
    ASSERT_CU(CU(cuGetErrorString)(ResultCode::kNoDevice, &text));
    EXPECT_EQ(std::string(text).find("FLEXMIG_SIM_CUDA_DELAYS: "), 0U) << text;
  }
}

}  // namespace
}  // namespace flexmig::cuda_sim
