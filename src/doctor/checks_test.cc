#include "flexmig/doctor/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A machine without a fault: two A100s of seven leaves each, everything in its place.
class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    system_.boards.backend = "nvml";
    system_.boards.driver = DriverInfo{"libnvidia-ml.so.1", "580.105.08"};
    system_.boards.gpus = std::vector<GpuView>{Gpu(0), Gpu(1)};
    HostView& host = system_.host;
    host.user = 1000;
    host.capabilities.emplace();
    host.capability_nodes[1] = true;
    for (int gpu = 0; gpu < 2; ++gpu) {
      for (int gi = 0; gi < 7; ++gi) {
        const int minor = 3 + 135 * gpu + 9 * gi;
        const std::string name = "gpu" + std::to_string(gpu) + "/gi" + std::to_string(gi);
        (*host.capabilities)[name + "/access"] = minor;
        (*host.capabilities)[name + "/ci0/access"] = minor + 1;
        host.capability_nodes[minor] = host.capability_nodes[minor + 1] = true;
      }
    }
    host.shared_memory = SharedMemory{Bytes::GiB(8), Bytes::GiB(8)};
    host.numa_nodes = 2;
    host.state = std::filesystem::path("/run/user/1000/flexmig");
    host.nccl = runtime::NcclLibrary{"/usr/lib/libnccl.so.2.28.9", "/etc/ld.so.cache",
                                     runtime::NcclVersion{2, 28, 9}, "+cuda13.0"};
    system_.collectives = CollectivesDecision{"hsm", "as asked", ""};
  }

  static GpuView Gpu(int index) {
    GpuView gpu;
    gpu.status.index = mig::GpuIndex(index);
    gpu.status.model = *mig::FindGpuModel("a100-40");
    gpu.status.pci_bus_id = index == 0 ? "0000:07:00.0" : "0000:87:00.0";
    gpu.status.numa_node = index;
    gpu.status.mig_enabled = gpu.status.mig_enabled_pending = true;
    gpu.device_minor = index;
    gpu.link = PciLink{"16.0 GT/s PCIe", "16.0 GT/s PCIe", 16, 16};
    partition::ObservedGpu observed;
    observed.status = gpu.status;
    for (int i = 0; i < 7; ++i) {
      partition::ObservedInstance& instance = observed.instances.emplace_back();
      instance.id = mig::GpuInstanceId(i);
      instance.placed = {mig::ProfileId(19), {i, 1}};
      instance.device = hw::MigDevice{mig::MigUuid("MIG-" + std::to_string(i)), instance.id,
                                      mig::ComputeInstanceId(0), instance.placed};
    }
    gpu.observed = std::move(observed);
    return gpu;
  }

  GpuView& gpu(size_t index) { return system_.boards.gpus.value()[index]; }

  // The only finding, and that it is in Examine, too.
  Finding Only(const Findings& findings) const {
    EXPECT_EQ(findings.size(), 1U);
    if (findings.empty()) return {};
    bool is_there = false;
    for (const Finding& finding : Examine(system_)) {
      is_there |= finding.check == findings[0].check && finding.what == findings[0].what;
    }
    EXPECT_TRUE(is_there) << findings[0].check;
    return findings[0];
  }

  static void Expect(const Finding& finding, Level level, const std::string& what,
                     const std::string& mend) {
    EXPECT_EQ(LevelName(finding.level), LevelName(level)) << finding.what;
    EXPECT_THAT(finding.what, HasSubstr(what));
    EXPECT_THAT(finding.mend, HasSubstr(mend));
    EXPECT_EQ(finding.mend.empty(), level == Level::kOk);
  }

  SystemView system_;
};

TEST_F(DoctorTest, AMachineWithoutAFaultIsHealthy) {
  const Findings findings = Examine(system_);
  EXPECT_TRUE(IsHealthy(findings));
  for (const Finding& finding : findings) {
    EXPECT_EQ(LevelName(finding.level), "ok") << finding.check << ": " << finding.what;
    EXPECT_THAT(finding.mend, IsEmpty());
  }
  EXPECT_EQ(findings.size(), 13U);  // twelve checks, the topology has a line for each GPU
}

TEST_F(DoctorTest, WithoutADriverTheRestIsStillLookedAt) {
  system_.boards.driver = UnavailableError("no libnvidia-ml.so.1");
  system_.boards.gpus = UnavailableError("no libnvidia-ml.so.1");
  Expect(Only(CheckDriver(system_.boards)), Level::kFail, "no libnvidia-ml.so.1",
         "FLEXMIG_NVML_PATH");
  EXPECT_THAT(CheckBoards(system_.boards), IsEmpty());
  EXPECT_THAT(CheckMode(system_.boards), IsEmpty());
  EXPECT_THAT(CheckLeaves(system_.boards), IsEmpty());
  EXPECT_THAT(CheckCapabilityNodes(system_), IsEmpty());
  EXPECT_FALSE(IsHealthy(Examine(system_)));
}

TEST_F(DoctorTest, AnOldDriverIsToldWithTheOneThatIsNeeded) {
  system_.boards.driver = DriverInfo{"libnvidia-ml.so.1", "460.106.00"};
  Expect(Only(CheckDriver(system_.boards)), Level::kWarn, "no UUIDs", "470.42.01");
  gpu(1).status.model = *mig::FindGpuModel("h200-141");
  Expect(Only(CheckDriver(system_.boards)), Level::kWarn, "older than MIG on H200", "550.90.07");
  system_.boards.is_simulated = true;
  Expect(Only(CheckDriver(system_.boards)), Level::kOk, "simulated", "");
}

TEST_F(DoctorTest, BoardsWithoutMigAreNotEnough) {
  mig::GpuModel plain;
  plain.product = "NVIDIA T4";
  gpu(0).status.model = &plain;
  Expect(Only(CheckBoards(system_.boards)), Level::kOk, "1 board with MIG: A100 40GB", "");
  Expect(Only(CheckBoards(system_.boards)), Level::kOk, "without MIG: NVIDIA T4", "");
  gpu(1).status.model = &plain;
  Expect(Only(CheckBoards(system_.boards)), Level::kFail, "none has MIG: NVIDIA T4", "A100");
  EXPECT_THAT(CheckMode(system_.boards), IsEmpty());
  system_.boards.gpus = std::vector<GpuView>();
  Expect(Only(CheckBoards(system_.boards)), Level::kFail, "no GPU is visible", "container");
  system_.boards.gpus = DeadlineExceededError("GPU 0: NVML_ERROR_TIMEOUT");
  Expect(Only(CheckBoards(system_.boards)), Level::kFail, "NVML_ERROR_TIMEOUT", "Xid");
}

TEST_F(DoctorTest, AModeThatIsOffOrPendingIsTold) {
  gpu(1).status.mig_enabled = gpu(1).status.mig_enabled_pending = false;
  Expect(Only(CheckMode(system_.boards)), Level::kWarn, "MIG is off on GPU 1",
         "`flexmig apply --gpu 1`");
  gpu(0).status.mig_enabled = gpu(0).status.mig_enabled_pending = false;
  Expect(Only(CheckMode(system_.boards)), Level::kWarn, "MIG is off on GPUs 0, 1",
         "`flexmig apply`");
  gpu(0).status.mig_enabled_pending = true;
  const Findings findings = CheckMode(system_.boards);
  ASSERT_EQ(findings.size(), 2U);
  Expect(findings[0], Level::kWarn, "GPU 0: switching MIG on waits",
         "nvidia-smi --gpu-reset -i 0000:07:00.0");
}

TEST_F(DoctorTest, LeavesThatAreMissingOrBrokenAreTold) {
  gpu(0).observed.value().instances[3].device.reset();
  Expect(Only(CheckLeaves(system_.boards)), Level::kWarn,
         "13 leaves, and 1 GPU instance without compute instance", "flexmig apply");
  for (const size_t i : {0, 1}) gpu(i).observed.value().instances.clear();
  Expect(Only(CheckLeaves(system_.boards)), Level::kWarn, "none", "flexmig apply");
  EXPECT_THAT(CheckCapabilityNodes(system_), IsEmpty());
}

TEST_F(DoctorTest, WhoMayNotListInstancesIsToldHow) {
  gpu(1).observed = PermissionDeniedError("NVML_ERROR_NO_PERMISSION");
  Expect(Only(CheckPermissions(system_)), Level::kFail, "GPU 1: user 1000 may not list",
         "nvidia-cap1");
  EXPECT_THAT(CheckLeaves(system_.boards), IsEmpty());
  gpu(1).observed = UnavailableError("NVML_ERROR_GPU_IS_LOST");
  Expect(Only(CheckPermissions(system_)), Level::kFail, "GPU_IS_LOST", "Xid");
}

TEST_F(DoctorTest, WhoMayListButNotChangeIsWarned) {
  system_.host.capability_nodes[1] = false;
  Expect(Only(CheckPermissions(system_)), Level::kWarn, "user 1000 may not change", "nvidia-cap1");
  system_.host.user = 0;
  Expect(Only(CheckPermissions(system_)), Level::kOk, "may list and change", "");
}

TEST_F(DoctorTest, CapabilityNodesThatAreMissingOrClosedAreNamed) {
  system_.host.capability_nodes[3 + 135 + 9 + 1] = false;
  Expect(Only(CheckCapabilityNodes(system_)), Level::kFail,
         "user 1000 may not open 1 node, e.g. /dev/nvidia-caps/nvidia-cap148", "group");
  system_.host.capability_nodes.erase(3);
  system_.host.capability_nodes.erase(4);
  Expect(Only(CheckCapabilityNodes(system_)), Level::kFail,
         "2 nodes missing, e.g. /dev/nvidia-caps/nvidia-cap3", "nvidia-modprobe");
  system_.host.capabilities.reset();
  Expect(Only(CheckCapabilityNodes(system_)), Level::kWarn, "mig-minors", "container");
  system_.boards.is_simulated = true;
  Expect(Only(CheckCapabilityNodes(system_)), Level::kOk, "simulated", "");
}

// /dev/nvidiaN need not be in the order of the bus.
TEST_F(DoctorTest, CapabilityNodesGoByTheDeviceMinor) {
  gpu(0).device_minor = 1;
  gpu(1).device_minor = 0;
  Expect(Only(CheckCapabilityNodes(system_)), Level::kOk, "14 MIG devices", "");
  gpu(0).device_minor = 5;
  Expect(Only(CheckCapabilityNodes(system_)), Level::kFail,
         "14 nodes missing, e.g. gpu5/gi0/access", "nvidia-modprobe");
}

TEST_F(DoctorTest, TheHostsMemoryHasToSuffice) {
  system_.host.shared_memory = SharedMemory{Bytes::MiB(64), Bytes::MiB(60)};
  Expect(Only(CheckSharedMemory(system_.host)), Level::kWarn, "60.00 MiB of 64.00 MiB",
         "--shm-size");
  system_.host.shared_memory = NotFoundError("/dev/shm: No such file or directory");
  Expect(Only(CheckSharedMemory(system_.host)), Level::kWarn, "No such file", "tmpfs");
  system_.host.locked_memory = Bytes::MiB(8);
  Expect(Only(CheckLockedMemory(system_.host)), Level::kWarn, "at most 8.00 MiB", "ulimit -l");
  system_.host.locked_memory = Bytes::GiB(2);
  Expect(Only(CheckLockedMemory(system_.host)), Level::kOk, "at most 2.00 GiB", "");
}

TEST_F(DoctorTest, AStateFolderThatCannotBeUsedFails) {
  system_.host.state = PermissionDeniedError("/x: Permission denied");
  Expect(Only(CheckState(system_.host)), Level::kFail, "/x: Permission", "FLEXMIG_STATE_DIR");
}

TEST_F(DoctorTest, LinksAndSocketsAreListed) {
  Findings findings = CheckTopology(system_);
  ASSERT_EQ(findings.size(), 2U);
  Expect(findings[0], Level::kOk, "GPU 0 at 0000:07:00.0, NUMA node 0, 16.0 GT/s PCIe x16", "");
  gpu(0).link->lanes = 8;
  gpu(1).status.numa_node = -1;
  findings = CheckTopology(system_);
  Expect(findings[0], Level::kWarn, "x8: the link could have 16 lanes", "reseat");
  Expect(findings[1], Level::kWarn, "unknown NUMA node", "firmware");
  system_.host.numa_nodes = 1;
  gpu(1).link.reset();
  Expect(CheckTopology(system_)[1], Level::kOk, "GPU 1 at 0000:87:00.0, unknown NUMA node", "");
}

TEST_F(DoctorTest, NcclAndThePathOfCollectivesAreTold) {
  Expect(Only(CheckNccl(system_.host)), Level::kOk,
         "2.28.9+cuda13.0 in /usr/lib/libnccl.so.2.28.9 (/etc/ld.so.cache)", "");
  Expect(Only(CheckCollectives(system_)), Level::kOk, "hsm: as asked", "");
  system_.host.nccl.value().version.reset();
  Expect(Only(CheckNccl(system_.host)), Level::kWarn, "no version in", "--nccl");
  system_.host.nccl = NotFoundError("no libnccl.so.2 in /usr/lib");
  Expect(Only(CheckNccl(system_.host)), Level::kWarn, "no libnccl.so.2", "do without");
  system_.collectives = CollectivesDecision{"nccl", "2.31.2", "install ours"};
  Expect(Only(CheckCollectives(system_)), Level::kWarn, "nccl: 2.31.2", "install ours");
  system_.collectives.reset();
  EXPECT_THAT(CheckCollectives(system_), IsEmpty());
  EXPECT_TRUE(IsHealthy(Examine(system_)));
}

}  // namespace
}  // namespace flexmig::doctor
