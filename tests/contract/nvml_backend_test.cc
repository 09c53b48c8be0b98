// What only the NVML backend has to cope with: a driver that says IN_USE for four reasons, lies, is
// old, or goes away. The driver is the simulated library.

#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/sim_machine.h"

#include "stand.h"

namespace flexmig::contract {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr mig::GpuIndex kGpu(0);
constexpr mig::ComputeInstanceId kCi0(0);

nvml::NvmlOptions Patient(milliseconds retry_for) {
  nvml::NvmlOptions options;
  options.retry_for = retry_for;
  return options;
}

// Hides functions, as an older library does.
nvml::NvmlOptions Without(std::set<std::string> names) {
  nvml::NvmlOptions options;
  options.filter_symbol = [names = std::move(names)](const char* name, void* found) {
    return names.contains(name) ? nullptr : found;
  };
  return options;
}

TEST(NvmlBackendTest, ATransientUseIsWaitedOut) {
  Stand stand(Front::kAbi, "a100x1", "fail destroy any busy times=2\nfail create any busy times=2");
  const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
  EXPECT_TRUE(stand.backend().DestroyComputeInstance(kGpu, leaf.gpu_instance, kCi0).ok());
  EXPECT_TRUE(stand.backend().DestroyGpuInstance(kGpu, leaf.gpu_instance).ok());
}

TEST(NvmlBackendTest, AnUnseenHolderIsNamedAsSuch) {
  nvml::NvmlOptions options = Patient(milliseconds(60));
  const Folder proc;
  std::filesystem::create_directory(proc.path() / "812");
  std::ofstream(proc.path() / "812" / "comm") << "nv-hostengine\n";
  options.proc = proc.path();
  Stand stand(Front::kAbi, "a100x1", "fail destroy-gi any in-use", std::move(options));
  const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
  ASSERT_TRUE(stand.backend().DestroyComputeInstance(kGpu, leaf.gpu_instance, kCi0).ok());
  const auto begin = std::chrono::steady_clock::now();
  const Status held = stand.backend().DestroyGpuInstance(kGpu, leaf.gpu_instance);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(60));
  EXPECT_EQ(held.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(held.message(),
            StrCat("GPU 0: GPU instance ", leaf.gpu_instance.value(),
                   " is in use, for 60 ms now, by a client that no process list shows; likely "
                   "nv-hostengine (process 812)"));
}

TEST(NvmlBackendTest, AKnownUserIsNotWaitedFor) {
  Stand stand(Front::kAbi, "a100x1", "", Patient(milliseconds(60'000)));
  const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(stand.backend().DestroyGpuInstance(kGpu, leaf.gpu_instance).message(),
              HasSubstr("it holds compute instance 0"));
  ASSERT_TRUE(stand.world().AttachProcess(leaf.uuid.value(), ::getpid()).ok());
  EXPECT_THAT(stand.backend().DestroyComputeInstance(kGpu, leaf.gpu_instance, kCi0).message(),
              HasSubstr(StrCat("is in use by process ", ::getpid())));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(30'000));
}

TEST(NvmlBackendTest, ADriverThatPretendsIsFoundOut) {
  Stand stand(Front::kAbi, "a100x1",
              "fail create-gi any pretend times=1\nfail create-ci any pretend times=1\n"
              "fail destroy any pretend times=1\nfail destroy-gi any pretend times=1");
  hw::MigBackend& backend = stand.backend();
  const auto placed = FirstLeaf(stand.model());
  ASSERT_TRUE(backend.SetMigMode(kGpu, true).ok());
  EXPECT_EQ(backend.CreateGpuInstance(kGpu, placed).status().code(), StatusCode::kUnavailable);
  const auto id = backend.CreateGpuInstance(kGpu, placed);
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(backend.CreateComputeInstance(kGpu, *id).status().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(backend.CreateComputeInstance(kGpu, *id).ok());
  EXPECT_EQ(backend.DestroyComputeInstance(kGpu, *id, kCi0).code(), StatusCode::kUnavailable);
  ASSERT_TRUE(backend.DestroyComputeInstance(kGpu, *id, kCi0).ok());
  const Status lingers = backend.DestroyGpuInstance(kGpu, *id);
  EXPECT_EQ(lingers.code(), StatusCode::kUnavailable);
  EXPECT_THAT(lingers.message(), HasSubstr("but it is still there"));
  EXPECT_TRUE(backend.DestroyGpuInstance(kGpu, *id).ok());
}

TEST(NvmlBackendTest, ACallThatTimesOutHasChangedNothing) {
  Stand stand(Front::kAbi, "a100x1", "fail create any timeout times=1");
  hw::MigBackend& backend = stand.backend();
  const auto placed = FirstLeaf(stand.model());
  ASSERT_TRUE(backend.SetMigMode(kGpu, true).ok());
  EXPECT_EQ(backend.CreateGpuInstance(kGpu, placed).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(backend.ListGpuInstances(kGpu)->empty());
  EXPECT_TRUE(backend.CreateGpuInstance(kGpu, placed).ok());
}

TEST(NvmlBackendTest, ALostGpuIsUnavailableAndNamed) {
  Stand stand(Front::kAbi, "a100x2", "fail any 1 lost skip=60");
  hw::MigBackend& backend = stand.backend();
  ASSERT_TRUE(backend.ListGpus().ok());
  Status lost;
  for (int i = 0; i < 100 && lost.ok(); ++i) lost = backend.ListGpus().status();
  EXPECT_EQ(lost.code(), StatusCode::kUnavailable);
  EXPECT_THAT(lost.message(), HasSubstr("GPU 1: "));
  EXPECT_EQ(backend.ListGpuInstances(mig::GpuIndex(1)).status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(backend.ListGpuInstances(kGpu).ok()) << "the other one is there";
}

TEST(NvmlBackendTest, MissingPermissionIsSaidAndNotRetried) {
  Stand stand(Front::kAbi, "a100x1",
              "fail set-mig-mode any no-permission\nfail list-gi any "
              "no-permission",
              Patient(milliseconds(60'000)));
  EXPECT_EQ(stand.backend().SetMigMode(kGpu, true).code(), StatusCode::kPermissionDenied);
  EXPECT_TRUE(stand.backend().ListGpus().ok());
  ASSERT_TRUE(stand.world().SetMigMode(kGpu, true).ok());
  EXPECT_EQ(stand.backend().ListGpuInstances(kGpu).status().code(), StatusCode::kPermissionDenied);
}

TEST(NvmlBackendTest, WithoutExplicitPlacementTheDriverIsLedToThePlace) {
  Stand stand(Front::kAbi, "a100x1", "", Without({"nvmlDeviceCreateGpuInstanceWithPlacement"}));
  hw::MigBackend& backend = stand.backend();
  ASSERT_TRUE(backend.SetMigMode(kGpu, true).ok());
  for (const mig::Profile& profile : stand.model().profiles) {
    for (const int start : profile.starts) {
      const mig::PlacedProfile placed{profile.id, {start, profile.memory_slices}};
      const auto id = backend.CreateGpuInstance(kGpu, placed);
      ASSERT_TRUE(id.ok()) << profile.name << " at " << start << ": " << id.status().ToString();
      const auto instances = backend.ListGpuInstances(kGpu);
      ASSERT_EQ(instances->size(), 1U);
      EXPECT_EQ(instances->front().placed, placed);
      EXPECT_EQ(backend.CreateGpuInstance(kGpu, placed).status().code(),
                StatusCode::kResourceExhausted);
      ASSERT_TRUE(backend.DestroyGpuInstance(kGpu, *id).ok());
    }
  }
}

// The library of the first drivers with MIG, R450.
TEST(NvmlBackendTest, AnOldLibraryWillDo) {
  Stand stand(Front::kAbi, "a100x2", "",
              Without({"nvmlDeviceGetGpuInstanceProfileInfoV",
                       "nvmlDeviceGetGpuInstancePossiblePlacements_v2",
                       "nvmlDeviceCreateGpuInstanceWithPlacement", "nvmlComputeInstanceGetInfo_v2",
                       "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetFieldValues",
                       "nvmlDeviceGetMemoryAffinity", "nvmlEventSetCreate"}));
  const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
  const auto devices = stand.world().ListMigDevices(kGpu);
  ASSERT_EQ(devices->size(), 1U);
  EXPECT_EQ(devices->front().uuid, leaf.uuid);
  EXPECT_EQ(stand.backend().ListGpus()->front().model->key, "a100-40");
  ASSERT_TRUE(stand.world().DestroyComputeInstance(kGpu, leaf.gpu_instance, kCi0).ok());
  EXPECT_TRUE(stand.backend().ListMigDevices(kGpu)->empty()) << "nothing is kept without events";
}

TEST(NvmlBackendTest, ALibraryWithoutTheEssentialsIsRefused) {
  nvml::NvmlOptions options = Without({"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  options.library = FLEXMIG_NVML_SIM;
  const auto backend = nvml::OpenNvml(std::move(options));
  EXPECT_EQ(backend.status().code(), StatusCode::kUnimplemented);
  EXPECT_THAT(backend.status().message(), HasSubstr("lacks nvmlDeviceGetCount_v2"));
}

TEST(NvmlBackendTest, WhyThereIsNoDriverIsSaid) {
  nvml::NvmlOptions options;
  options.library = "/nonexistent/libnvidia-ml.so.1";
  EXPECT_EQ(nvml::OpenNvml(options).status().code(), StatusCode::kUnavailable);
  options.library = FLEXMIG_NVML_SIM;  // and no FLEXMIG_SIM_NODE
  const auto unset = nvml::OpenNvml(options);
  EXPECT_EQ(unset.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(unset.status().message(), HasSubstr("FLEXMIG_SIM_NODE is not set"));
}

TEST(NvmlBackendTest, DriversBefore470NameMigDevicesByTheirPlace) {
  ::setenv("FLEXMIG_SIM_DRIVER", "460.106.00", 1);
  {
    Stand stand(Front::kAbi, "a100x1");
    const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
    const std::string gpu = stand.world().ListGpus()->front().uuid.value();
    EXPECT_EQ(leaf.uuid.value(), StrCat("MIG-", gpu, "/", leaf.gpu_instance.value(), "/0"));
  }
  ::unsetenv("FLEXMIG_SIM_DRIVER");
}

TEST(NvmlBackendTest, ASharedGpuInstanceIsNoLeafButHoldsItsInstance) {
  Stand stand(Front::kAbi, "a100x1");
  hw::MigBackend& backend = stand.backend();
  ASSERT_TRUE(backend.SetMigMode(kGpu, true).ok());
  const auto id = backend.CreateGpuInstance(kGpu, {mig::ProfileId(9), {4, 4}});
  ASSERT_TRUE(id.ok());
  simhw::SimOptions options;
  options.state_directory = stand.state_directory();
  simhw::SimMachine machine(stand.world().spec(), options);
  ASSERT_TRUE(machine
                  .ChangeNode([&](simhw::NodeState& state) {
                    return state[0].CreateComputeInstance(*id, 1, 2).status();
                  })
                  .ok());
  EXPECT_TRUE(backend.ListMigDevices(kGpu)->empty());
  EXPECT_EQ(backend.CreateComputeInstance(kGpu, *id).status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(backend.DestroyGpuInstance(kGpu, *id).message(),
              HasSubstr("it holds compute instance 0"));
  EXPECT_TRUE(backend.DestroyComputeInstance(kGpu, *id, kCi0).ok());
  EXPECT_TRUE(backend.DestroyGpuInstance(kGpu, *id).ok());
}

TEST(NvmlBackendTest, AScriptedXidDoesNotDisturbTheListings) {
  Stand stand(Front::kAbi, "a100x1", "xid 79 list-gi any");
  const auto leaf = MakeLeaf(stand.backend(), kGpu, FirstLeaf(stand.model()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(stand.backend().ListMigDevices(kGpu)->size(), 1U);
}

}  // namespace
}  // namespace flexmig::contract
