#include "flexmig/hw/mig_backend.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::hw {
namespace {

using ::testing::HasSubstr;

// Answers the listing calls from two tables; nothing can be changed.
class ListedBackend : public MigBackend {
 public:
  std::vector<GpuStatus> gpus;
  std::map<int, std::vector<MigDevice>> devices;
  Status gpu_fault;

  Result<std::vector<GpuStatus>> ListGpus() override { return gpus; }
  Result<std::vector<MigDevice>> ListMigDevices(mig::GpuIndex gpu) override {
    if (!gpu_fault.ok()) return gpu_fault;
    return devices[gpu.value()];
  }

  Status SetMigMode(mig::GpuIndex, bool) override { return Refuse(); }
  Result<std::vector<GpuInstance>> ListGpuInstances(mig::GpuIndex) override { return Refuse(); }
  Result<std::vector<GpuProcess>> ListProcesses(mig::GpuIndex) override { return Refuse(); }
  Result<mig::GpuInstanceId> CreateGpuInstance(mig::GpuIndex, const mig::PlacedProfile&) override {
    return Refuse();
  }
  Result<MigDevice> CreateComputeInstance(mig::GpuIndex, mig::GpuInstanceId) override {
    return Refuse();
  }
  Status DestroyComputeInstance(mig::GpuIndex, mig::GpuInstanceId,
                                mig::ComputeInstanceId) override {
    return Refuse();
  }
  Status DestroyGpuInstance(mig::GpuIndex, mig::GpuInstanceId) override { return Refuse(); }

 private:
  static Status Refuse() { return UnimplementedError("a listing only"); }
};

MigDevice Device(const char* uuid, int profile, int start, int size) {
  return {mig::MigUuid(uuid), mig::GpuInstanceId(0), mig::ComputeInstanceId(0),
          mig::PlacedProfile{mig::ProfileId(profile), {start, size}}};
}

class ReadInventoryTest : public ::testing::Test {
 protected:
  ReadInventoryTest() {
    const mig::GpuModel* model = *mig::FindGpuModel("a100-40");
    for (int i = 0; i < 3; ++i) {
      GpuStatus gpu;
      gpu.index = mig::GpuIndex(i);
      gpu.uuid = mig::GpuUuid("GPU-" + std::to_string(i));
      gpu.model = model;
      gpu.numa_node = 2 * i;
      gpu.mig_enabled = i != 1;
      backend_.gpus.push_back(gpu);
    }
  }
  ListedBackend backend_;
};

TEST_F(ReadInventoryTest, LeavesAreNumberedAlongGpusAndPlacements) {
  backend_.devices[0] = {Device("MIG-b", 9, 4, 4), Device("MIG-a", 19, 0, 1)};
  backend_.devices[2] = {Device("MIG-c", 15, 2, 2)};
  const auto inventory = ReadInventory(backend_);
  ASSERT_TRUE(inventory.ok()) << inventory.status().ToString();
  ASSERT_EQ(inventory->gpus.size(), 3U);
  EXPECT_EQ(inventory->gpus[2].numa_node, 4);
  ASSERT_EQ(inventory->leaves.size(), 3U);
  const char* uuids[] = {"MIG-a", "MIG-b", "MIG-c"};
  const char* names[] = {"1g.5gb", "3g.20gb", "1g.10gb"};
  for (int i = 0; i < 3; ++i) {
    const mig::Leaf& leaf = inventory->leaves[static_cast<size_t>(i)];
    EXPECT_EQ(leaf.id.value(), i);
    EXPECT_EQ(leaf.uuid.value(), uuids[i]);
    EXPECT_EQ(leaf.profile->name, names[i]);
    EXPECT_EQ(leaf.gpu.value(), i == 2 ? 2 : 0);
  }
}

TEST_F(ReadInventoryTest, GpusWithMigOffAreListedButNotAsked) {
  backend_.devices[1] = {Device("MIG-x", 19, 0, 1)};
  const auto inventory = ReadInventory(backend_);
  ASSERT_TRUE(inventory.ok());
  EXPECT_EQ(inventory->gpus.size(), 3U);
  EXPECT_TRUE(inventory->leaves.empty());
}

TEST_F(ReadInventoryTest, AProfileThatTheTableLacksIsNamed) {
  backend_.devices[2] = {Device("MIG-y", 77, 0, 1)};
  const Status status = ReadInventory(backend_).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("MIG-y on GPU 2 has profile id 77"));
}

TEST_F(ReadInventoryTest, TheBackendsErrorIsPassedOn) {
  backend_.gpu_fault = UnavailableError("GPU 0 is lost");
  EXPECT_EQ(ReadInventory(backend_).status(), backend_.gpu_fault);
}

}  // namespace
}  // namespace flexmig::hw
