#include "flexmig/partition/export.h"

#include <gtest/gtest.h>

namespace flexmig::partition {
namespace {

ObservedGpu Gpu(int index, std::string_view board, bool mig_enabled, std::string_view layout = "",
                bool with_devices = true) {
  ObservedGpu gpu;
  gpu.status.index = mig::GpuIndex(index);
  gpu.status.model = *mig::FindGpuModel(board);
  gpu.status.pci_device_id = board == "a30" ? 0x20B710DE : 0x20B010DE;
  gpu.status.mig_enabled = mig_enabled;
  if (layout.empty()) return gpu;
  const auto placed_profiles = mig::ParseLayout(*gpu.status.model, layout);
  for (const auto& placed : *placed_profiles) {
    ObservedInstance& instance = gpu.instances.emplace_back();
    instance.placed = placed;
    if (with_devices) instance.device = hw::MigDevice();
  }
  return gpu;
}

std::string Export(const std::vector<ObservedGpu>& gpus) {
  const auto file = ExportLayout(gpus, "current");
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  std::string text = FormatMigParted(*file);
  EXPECT_EQ(ParseMigParted(text, "e")->configs, file->configs);
  return text.substr(std::string_view("version: v1\nmig-configs:\n  current:\n").size());
}

TEST(ExportLayoutTest, EqualGpusAreAll) {
  EXPECT_EQ(Export({Gpu(0, "a100-40", true, "7x1g.5gb"), Gpu(1, "a100-40", true, "7x1g.5gb")}),
            "  - devices: all\n    mig-enabled: true\n    mig-devices:\n      1g.5gb: 7\n");
}

TEST(ExportLayoutTest, EqualBoardsWithDifferentLayoutsAreNamed) {
  EXPECT_EQ(Export({Gpu(0, "a100-40", true, "2x3g.20gb"), Gpu(1, "a100-40", false),
                    Gpu(2, "a100-40", true, "2x3g.20gb")}),
            "  - devices: [0, 2]\n    mig-enabled: true\n    mig-devices:\n      3g.20gb: 2\n"
            "  - devices: [1]\n    mig-enabled: false\n    mig-devices: {}\n");
}

TEST(ExportLayoutTest, DifferentBoardsWithOneLayoutNeedNoFilter) {
  EXPECT_EQ(Export({Gpu(0, "a100-40", false), Gpu(1, "a30", false)}),
            "  - devices: all\n    mig-enabled: false\n    mig-devices: {}\n");
}

TEST(ExportLayoutTest, DifferentBoardsAreToldApartByAFilter) {
  EXPECT_EQ(Export({Gpu(0, "a100-40", true, "7x1g.5gb"), Gpu(1, "a100-40", true, "7x1g.5gb"),
                    Gpu(2, "a30", true, "4x1g.6gb")}),
            "  - device-filter: \"0x20B010DE\"\n    devices: all\n    mig-enabled: true\n"
            "    mig-devices:\n      1g.5gb: 7\n"
            "  - device-filter: \"0x20B710DE\"\n    devices: all\n    mig-enabled: true\n"
            "    mig-devices:\n      1g.6gb: 4\n");
  EXPECT_EQ(Export({Gpu(0, "a100-40", false), Gpu(1, "a100-40", true), Gpu(2, "a30", false),
                    Gpu(3, "a30", true)}),
            "  - device-filter: [\"0x20B010DE\", \"0x20B710DE\"]\n    devices: [0, 2]\n"
            "    mig-enabled: false\n    mig-devices: {}\n"
            "  - device-filter: [\"0x20B010DE\", \"0x20B710DE\"]\n    devices: [1, 3]\n"
            "    mig-enabled: true\n    mig-devices: {}\n");
}

TEST(ExportLayoutTest, InstancesWithoutComputeInstanceAreLeftOut) {
  EXPECT_EQ(Export({Gpu(0, "a100-40", true, "2x3g.20gb", false)}),
            "  - devices: all\n    mig-enabled: true\n    mig-devices: {}\n");
}

TEST(ExportLayoutTest, AnUnknownProfileIsSaid) {
  ObservedGpu gpu = Gpu(3, "a30", true);
  gpu.instances.emplace_back().placed.profile = mig::ProfileId(99);
  const Status status = ExportLayout({gpu}, "current").status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "GPU 3: an instance has profile id 99, which A30 24GB does not list");
}

}  // namespace
}  // namespace flexmig::partition
