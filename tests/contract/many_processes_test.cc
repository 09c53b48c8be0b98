// One simulated node, many processes that change it through the ABI, some of them killed.

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/random.h"

#include "read_only.h"
#include "stand.h"

namespace flexmig::contract {
namespace {

using std::chrono::milliseconds;

constexpr mig::GpuIndex kGpu(0);
constexpr int kProcesses = 4;

// Creates and destroys leaves at places of its own until it is killed or has done enough. The exit
// code is 0 if every call went as it should.
int ChangeLeaves(int number) {
  auto opened = nvml::OpenNvml([] {
    nvml::NvmlOptions options;
    options.library = FLEXMIG_NVML_SIM;
    return options;
  }());
  if (!opened.ok()) return 10;
  hw::MigBackend& backend = **opened;
  const mig::PlacedProfile placed{mig::ProfileId(19), {number, 1}};
  // What a killed predecessor left at the place.
  const auto left = backend.ListGpuInstances(kGpu);
  if (!left.ok()) return 11;
  for (const hw::GpuInstance& instance : *left) {
    if (instance.placed != placed) continue;
    static_cast<void>(backend.DestroyComputeInstance(kGpu, instance.id, mig::ComputeInstanceId(0)));
    if (!backend.DestroyGpuInstance(kGpu, instance.id).ok()) return 12;
  }
  for (int round = 0; round < 25; ++round) {
    const auto id = backend.CreateGpuInstance(kGpu, placed);
    if (!id.ok()) return 13;
    const auto device = backend.CreateComputeInstance(kGpu, *id);
    if (!device.ok()) return 14;
    if (!backend.DestroyComputeInstance(kGpu, *id, device->compute_instance).ok()) return 15;
    if (!backend.DestroyGpuInstance(kGpu, *id).ok()) return 16;
  }
  return 0;
}

pid_t Start(int number) {
  const pid_t child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) ::_exit(ChangeLeaves(number));
  return child;
}

// The exit code, or -1 for a process that was killed or does not end.
int Join(pid_t child) {
  const auto deadline = Deadline::After(milliseconds(60'000));
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (deadline.HasPassed()) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(milliseconds(5));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ManyProcessesTest, ChangesOfOneNodeDoNotDisturbEachOther) {
  Stand stand(Front::kAbi, "h100x1");
  ASSERT_TRUE(stand.backend().SetMigMode(kGpu, true).ok());
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) children.push_back(Start(i));
  for (const pid_t child : children) EXPECT_EQ(Join(child), 0);
  EXPECT_TRUE(stand.backend().ListGpuInstances(kGpu)->empty());
}

TEST(ManyProcessesTest, AKilledProcessLeavesTheStateBeforeOrAfter) {
  Stand stand(Front::kAbi, "h100x1");
  ASSERT_TRUE(stand.backend().SetMigMode(kGpu, true).ok());
  SplitMix64 random(7);
  for (int round = 0; round < 10; ++round) {
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) children.push_back(Start(i));
    std::this_thread::sleep_for(milliseconds(random.NextBelow(40)));
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) Join(child);
    CheckReadOnly(stand.backend());
  }
  // Whoever comes next can go on.
  EXPECT_EQ(Join(Start(0)), 0);
}

}  // namespace
}  // namespace flexmig::contract
