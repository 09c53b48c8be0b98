// What hw::MigBackend promises, asked of every backend that can be asked here: the simulated boards
// in this process, and the same boards through the driver's ABI.

#include <set>
#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

#include "read_only.h"
#include "stand.h"

namespace flexmig::contract {
namespace {

using ::testing::HasSubstr;

constexpr mig::GpuIndex kGpu0(0);
constexpr mig::GpuIndex kGpu1(1);
constexpr mig::ComputeInstanceId kCi0(0);

class BackendContractTest : public ::testing::TestWithParam<std::tuple<Front, const char*>> {
 protected:
  hw::MigBackend& backend() { return stand_.backend(); }
  simhw::SimNode& world() { return stand_.world(); }
  [[nodiscard]] const mig::GpuModel& model() const { return stand_.model(); }

  hw::GpuStatus Status(mig::GpuIndex gpu) {
    auto gpus = backend().ListGpus();
    EXPECT_TRUE(gpus.ok()) << gpus.status().ToString();
    return gpus->at(static_cast<size_t>(gpu.value()));
  }

  Stand stand_{std::get<0>(GetParam()), std::get<1>(GetParam())};
};

TEST_P(BackendContractTest, AFreshNodeIsListedAsItIs) {
  const auto gpus = backend().ListGpus();
  ASSERT_TRUE(gpus.ok()) << gpus.status().ToString();
  const auto& boards = world().spec().boards;
  ASSERT_EQ(gpus->size(), boards.size());
  std::set<mig::GpuUuid> uuids;
  for (size_t i = 0; i < boards.size(); ++i) {
    const hw::GpuStatus& gpu = gpus->at(i);
    EXPECT_EQ(gpu.index.value(), static_cast<int>(i));
    EXPECT_EQ(gpu.model->key, boards[i].model->key);
    EXPECT_EQ(gpu.model->placement_units, boards[i].model->placement_units);
    EXPECT_EQ(gpu.model->compute_slices, boards[i].model->compute_slices);
    EXPECT_EQ(gpu.model->total_sms, boards[i].model->total_sms);
    EXPECT_EQ(gpu.model->profiles.size(), boards[i].model->profiles.size());
    EXPECT_EQ(gpu.model->mode_change_needs_reset, boards[i].model->mode_change_needs_reset);
    EXPECT_EQ(gpu.pci_bus_id, boards[i].pci_bus_id);
    EXPECT_EQ(gpu.pci_device_id, boards[i].pci_device_id);
    EXPECT_EQ(gpu.pci_subsystem_id, boards[i].pci_subsystem_id);
    EXPECT_EQ(gpu.numa_node, boards[i].numa_node);
    EXPECT_FALSE(gpu.mig_enabled || gpu.mig_enabled_pending);
    uuids.insert(gpu.uuid);
  }
  EXPECT_EQ(uuids.size(), boards.size());
  CheckReadOnly(backend());
}

TEST_P(BackendContractTest, ModelsSayWhatTheTablesSay) {
  const mig::GpuModel& seen = *Status(kGpu0).model;
  for (const mig::Profile& table : model().profiles) {
    const mig::Profile* profile = seen.FindProfile(table.id);
    ASSERT_NE(profile, nullptr) << table.name;
    EXPECT_EQ(profile->name, table.name);
    EXPECT_EQ(profile->nvml_index, table.nvml_index);
    EXPECT_EQ(profile->compute_slices, table.compute_slices);
    EXPECT_EQ(profile->memory_slices, table.memory_slices);
    EXPECT_TRUE(std::ranges::equal(profile->starts, table.starts)) << table.name;
    EXPECT_EQ(profile->max_instances, table.max_instances);
    EXPECT_EQ(profile->media, table.media) << table.name;
    EXPECT_EQ(profile->graphics, table.graphics) << table.name;
    if (table.memory) {
      EXPECT_EQ(profile->memory, table.memory) << table.name;
    }
    if (table.sms) {
      EXPECT_EQ(profile->sms, table.sms) << table.name;
    }
  }
}

TEST_P(BackendContractTest, EveryCallRefusesAGpuThatIsNotThere) {
  for (const int index : {-1, 2, INT32_MAX}) {
    const mig::GpuIndex gpu(index);
    const mig::GpuInstanceId instance(0);
    EXPECT_EQ(backend().SetMigMode(gpu, true).code(), StatusCode::kNotFound);
    EXPECT_EQ(backend().ListGpuInstances(gpu).status().code(), StatusCode::kNotFound);
    EXPECT_EQ(backend().ListMigDevices(gpu).status().code(), StatusCode::kNotFound);
    EXPECT_EQ(backend().ListProcesses(gpu).status().code(), StatusCode::kNotFound);
    EXPECT_EQ(backend().CreateGpuInstance(gpu, FirstLeaf(model())).status().code(),
              StatusCode::kNotFound);
    EXPECT_EQ(backend().CreateComputeInstance(gpu, instance).status().code(),
              StatusCode::kNotFound);
    EXPECT_EQ(backend().DestroyComputeInstance(gpu, instance, kCi0).code(), StatusCode::kNotFound);
    EXPECT_EQ(backend().DestroyGpuInstance(gpu, instance).code(), StatusCode::kNotFound);
  }
}

TEST_P(BackendContractTest, MigModeIsSwitchedOfOneGpu) {
  EXPECT_EQ(backend().SetMigMode(kGpu1, true).ToString(), "kOk");
  EXPECT_EQ(backend().SetMigMode(kGpu1, true).ToString(), "kOk");
  EXPECT_FALSE(Status(kGpu0).mig_enabled);
  EXPECT_TRUE(Status(kGpu1).mig_enabled && Status(kGpu1).mig_enabled_pending);
  EXPECT_EQ(backend().SetMigMode(kGpu1, false).ToString(), "kOk");
  EXPECT_FALSE(Status(kGpu1).mig_enabled || Status(kGpu1).mig_enabled_pending);
}

TEST_P(BackendContractTest, MigStaysOnWhileInstancesExist) {
  const auto leaf = MakeLeaf(backend(), kGpu0, FirstLeaf(model()));
  const auto refused = backend().SetMigMode(kGpu0, false);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("GPU 0: MIG cannot be switched off while 1 "));
  EXPECT_TRUE(Status(kGpu0).mig_enabled && Status(kGpu0).mig_enabled_pending);
  EXPECT_TRUE(backend().DestroyComputeInstance(kGpu0, leaf.gpu_instance, kCi0).ok());
  EXPECT_TRUE(backend().DestroyGpuInstance(kGpu0, leaf.gpu_instance).ok());
  EXPECT_TRUE(backend().SetMigMode(kGpu0, false).ok());
}

TEST_P(BackendContractTest, AClientDelaysTheSwitchWhereItNeedsAReset) {
  const std::string gpu = Status(kGpu0).uuid.value();
  ASSERT_TRUE(world().AttachProcess(gpu, ::getpid()).ok());
  EXPECT_EQ(backend().SetMigMode(kGpu0, true).ToString(), "kOk");
  EXPECT_TRUE(Status(kGpu0).mig_enabled_pending);
  EXPECT_EQ(Status(kGpu0).mig_enabled, !model().mode_change_needs_reset);
  // Either way nothing can be created before it is gone.
  const auto refused = backend().CreateGpuInstance(kGpu0, FirstLeaf(model())).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), model().mode_change_needs_reset
                                     ? HasSubstr("MIG is off")
                                     : HasSubstr(StrCat("process ", ::getpid())));
  ASSERT_TRUE(world().DetachProcess(gpu, ::getpid()).ok());
  EXPECT_TRUE(backend().SetMigMode(kGpu0, true).ok());
  EXPECT_TRUE(Status(kGpu0).mig_enabled);
  EXPECT_TRUE(backend().CreateGpuInstance(kGpu0, FirstLeaf(model())).ok());
}

TEST_P(BackendContractTest, NothingIsThereOrMadeWithMigOff) {
  EXPECT_TRUE(backend().ListGpuInstances(kGpu0)->empty());
  EXPECT_TRUE(backend().ListMigDevices(kGpu0)->empty());
  EXPECT_EQ(backend().CreateGpuInstance(kGpu0, FirstLeaf(model())).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_P(BackendContractTest, EveryProfileComesToItsEveryPlaceUnderOneUuid) {
  ASSERT_TRUE(backend().SetMigMode(kGpu0, true).ok());
  for (const mig::Profile& profile : model().profiles) {
    for (const int start : profile.starts) {
      const mig::PlacedProfile placed{profile.id, {start, profile.memory_slices}};
      mig::MigUuid uuid;
      for (int round = 0; round < 2; ++round) {
        const auto id = backend().CreateGpuInstance(kGpu0, placed);
        ASSERT_TRUE(id.ok()) << profile.name << " at " << start << ": " << id.status().ToString();
        EXPECT_TRUE(backend().ListMigDevices(kGpu0)->empty());
        const auto device = backend().CreateComputeInstance(kGpu0, *id);
        ASSERT_TRUE(device.ok()) << profile.name << ": " << device.status().ToString();
        EXPECT_EQ(device->gpu_instance, *id);
        EXPECT_EQ(device->placed, placed);
        if (round == 1) {
          EXPECT_EQ(device->uuid, uuid) << "a UUID names a place";
        }
        uuid = device->uuid;
        const auto instances = backend().ListGpuInstances(kGpu0);
        ASSERT_EQ(instances->size(), 1U);
        EXPECT_EQ(instances->front().id, *id);
        EXPECT_EQ(instances->front().placed, placed);
        const auto devices = backend().ListMigDevices(kGpu0);
        ASSERT_EQ(devices->size(), 1U);
        EXPECT_EQ(devices->front().uuid, uuid);
        EXPECT_TRUE(backend().DestroyComputeInstance(kGpu0, *id, device->compute_instance).ok());
        EXPECT_TRUE(backend().DestroyGpuInstance(kGpu0, *id).ok());
      }
    }
  }
}

TEST_P(BackendContractTest, WhatCannotBeIsToldFromWhatDoesNotFitNow) {
  const auto leaf = MakeLeaf(backend(), kGpu0, FirstLeaf(model()));
  const auto code = [&](const mig::PlacedProfile& placed) {
    return backend().CreateGpuInstance(kGpu0, placed).status().code();
  };
  const mig::Profile& whole = model().WholeGpuProfile();
  EXPECT_EQ(code(leaf.placed), StatusCode::kResourceExhausted);
  EXPECT_EQ(code({whole.id, {0, whole.memory_slices}}), StatusCode::kResourceExhausted);
  EXPECT_EQ(code({whole.id, {1, whole.memory_slices}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({whole.id, {0, 1}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({mig::ProfileId(99), {0, 1}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({mig::ProfileId(-1), {0, 1}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(backend().ListGpuInstances(kGpu0)->size(), 1U);
}

TEST_P(BackendContractTest, InstancesAreMadeFromTheOutsideInAndUnmadeFromTheInsideOut) {
  const auto leaf = MakeLeaf(backend(), kGpu0, FirstLeaf(model()));
  EXPECT_EQ(backend().CreateComputeInstance(kGpu0, leaf.gpu_instance).status().code(),
            StatusCode::kAlreadyExists);
  const auto early = backend().DestroyGpuInstance(kGpu0, leaf.gpu_instance);
  EXPECT_EQ(early.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(early.message(), HasSubstr("compute instance"));
  EXPECT_EQ(
      backend().DestroyComputeInstance(kGpu0, leaf.gpu_instance, mig::ComputeInstanceId(5)).code(),
      StatusCode::kNotFound);
  EXPECT_TRUE(backend().DestroyComputeInstance(kGpu0, leaf.gpu_instance, kCi0).ok());
  EXPECT_EQ(backend().DestroyComputeInstance(kGpu0, leaf.gpu_instance, kCi0).code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(backend().DestroyGpuInstance(kGpu0, leaf.gpu_instance).ok());
  EXPECT_EQ(backend().DestroyGpuInstance(kGpu0, leaf.gpu_instance).code(), StatusCode::kNotFound);
  EXPECT_EQ(backend().CreateComputeInstance(kGpu0, leaf.gpu_instance).status().code(),
            StatusCode::kNotFound);
}

TEST_P(BackendContractTest, AProcessIsListedAndKeepsItsLeaf) {
  const auto leaf = MakeLeaf(backend(), kGpu1, FirstLeaf(model()));
  ASSERT_TRUE(world().AttachProcess(leaf.uuid.value(), ::getpid(), Bytes::MiB(64)).ok());
  const auto processes = backend().ListProcesses(kGpu1);
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ(processes->front().pid, ::getpid());
  EXPECT_EQ(processes->front().gpu_instance, leaf.gpu_instance);
  EXPECT_EQ(processes->front().compute_instance, leaf.compute_instance);
  EXPECT_TRUE(backend().ListProcesses(kGpu0)->empty());
  const auto refused =
      backend().DestroyComputeInstance(kGpu1, leaf.gpu_instance, leaf.compute_instance);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr(StrCat("process ", ::getpid())));
  ASSERT_TRUE(world().DetachProcess(leaf.uuid.value(), ::getpid()).ok());
  EXPECT_TRUE(
      backend().DestroyComputeInstance(kGpu1, leaf.gpu_instance, leaf.compute_instance).ok());
}

TEST_P(BackendContractTest, AProcessOnTheWholeGpuIsListedWithoutInstance) {
  ASSERT_TRUE(world().AttachProcess(Status(kGpu0).uuid.value(), ::getpid()).ok());
  const auto processes = backend().ListProcesses(kGpu0);
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ(processes->front().gpu_instance.value(), hw::kNoInstance);
  EXPECT_EQ(processes->front().compute_instance.value(), hw::kNoInstance);
}

TEST_P(BackendContractTest, ChangesByOthersShowAtOnce) {
  const auto mine = MakeLeaf(backend(), kGpu0, FirstLeaf(model()));
  ASSERT_EQ(backend().ListMigDevices(kGpu0)->size(), 1U);
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(world().DestroyComputeInstance(kGpu0, mine.gpu_instance, kCi0).ok());
    ASSERT_TRUE(backend().ListMigDevices(kGpu0)->empty());
    ASSERT_EQ(backend().ListGpuInstances(kGpu0)->size(), 1U);
    ASSERT_TRUE(world().CreateComputeInstance(kGpu0, mine.gpu_instance).ok());
    ASSERT_EQ(backend().ListMigDevices(kGpu0)->size(), 1U);
  }
}

TEST_P(BackendContractTest, ARebootTakesTheInstancesAndOnNewerBoardsTheMode) {
  MakeLeaf(backend(), kGpu0, FirstLeaf(model()));
  ASSERT_EQ(backend().ListMigDevices(kGpu0)->size(), 1U);
  ASSERT_TRUE(world().Reboot().ok());
  EXPECT_EQ(Status(kGpu0).mig_enabled, model().mode_change_needs_reset);
  EXPECT_EQ(Status(kGpu0).mig_enabled_pending, model().mode_change_needs_reset);
  EXPECT_TRUE(backend().ListGpuInstances(kGpu0)->empty());
  EXPECT_TRUE(backend().ListMigDevices(kGpu0)->empty());
}

TEST_P(BackendContractTest, ALayoutOfLeavesIsListedInOrder) {
  ASSERT_TRUE(backend().SetMigMode(kGpu0, true).ok());
  const auto layout = mig::UniformLayout(model(), mig::DefaultLeafProfile(model()).name);
  // From the far end, so that the order of creation is not the order of places.
  for (size_t i = layout->size(); i-- > 0;) {
    const auto id = backend().CreateGpuInstance(kGpu0, layout->at(i));
    ASSERT_TRUE(id.ok()) << id.status().ToString();
    ASSERT_TRUE(backend().CreateComputeInstance(kGpu0, *id).ok());
  }
  const auto instances = backend().ListGpuInstances(kGpu0);
  const auto devices = backend().ListMigDevices(kGpu0);
  ASSERT_EQ(devices->size(), layout->size());
  for (size_t i = 0; i < layout->size(); ++i) {
    EXPECT_EQ(devices->at(i).placed, layout->at(i));
    if (i > 0) {
      EXPECT_LT(instances->at(i - 1).id, instances->at(i).id);
    }
  }
  CheckReadOnly(backend());
}

INSTANTIATE_TEST_SUITE_P(Simulated, BackendContractTest,
                         ::testing::Combine(::testing::Values(Front::kInProcess, Front::kAbi),
                                            ::testing::Values("a30x2", "a100x2", "h100x2", "b200x2",
                                                              "rtx-pro-6000x2")),
                         [](const auto& test) {
                           std::string name = StrCat(FrontName(std::get<0>(test.param)), "_",
                                                     std::get<1>(test.param));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace flexmig::contract
