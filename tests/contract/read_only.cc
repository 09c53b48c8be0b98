#include "read_only.h"

#include <set>

#include <gtest/gtest.h>

#include "flexmig/mig/layout.h"

namespace flexmig::contract {
namespace {

void CheckGpu(hw::MigBackend& backend, const hw::GpuStatus& gpu, std::set<mig::MigUuid>& uuids) {
  ASSERT_NE(gpu.model, nullptr);
  EXPECT_TRUE(gpu.uuid.value().starts_with("GPU-")) << gpu.uuid.value();
  EXPECT_EQ(gpu.pci_bus_id.size(), std::string("0000:07:00.0").size()) << gpu.pci_bus_id;
  const auto instances = backend.ListGpuInstances(gpu.index);
  const auto devices = backend.ListMigDevices(gpu.index);
  EXPECT_EQ(instances.status().code(), devices.status().code());
  if (instances.status().code() == StatusCode::kPermissionDenied) return;
  ASSERT_TRUE(instances.ok()) << instances.status().ToString();
  ASSERT_TRUE(devices.ok()) << devices.status().ToString();
  if (!gpu.mig_enabled) {
    EXPECT_TRUE(instances->empty() && devices->empty());
    return;
  }

  mig::MigLayout layout;
  std::set<mig::GpuInstanceId> ids;
  for (const hw::GpuInstance& instance : *instances) {
    layout.push_back(instance.placed);
    EXPECT_TRUE(ids.insert(instance.id).second) << "id " << instance.id.value() << " twice";
  }
  const Status possible = mig::CheckLayout(*gpu.model, layout);
  EXPECT_TRUE(possible.ok()) << possible.ToString();
  for (const hw::MigDevice& device : *devices) {
    EXPECT_TRUE(ids.contains(device.gpu_instance));
    EXPECT_TRUE(uuids.insert(device.uuid).second) << device.uuid.value() << " twice";
  }
}

}  // namespace

void CheckReadOnly(hw::MigBackend& backend) {
  const auto gpus = backend.ListGpus();
  ASSERT_TRUE(gpus.ok()) << gpus.status().ToString();
  std::set<mig::MigUuid> uuids;
  for (size_t i = 0; i < gpus->size(); ++i) {
    EXPECT_EQ(gpus->at(i).index.value(), static_cast<int>(i));
    CheckGpu(backend, gpus->at(i), uuids);
  }
}

}  // namespace flexmig::contract
