#include "flexmig/simhw/capability_tree.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::simhw {
namespace {

namespace fs = std::filesystem;

constexpr mig::GpuIndex kGpu1(1);
constexpr mig::ComputeInstanceId kCi0(0);

// Two lines of mig-minors files that were published, and the two ends of the first GPU.
TEST(CapabilityMinorTest, IsTheDriversNumber) {
  const auto ci = [](int gpu, int gi, int part) {
    return ComputeInstanceMinor(gpu, mig::GpuInstanceId(gi), mig::ComputeInstanceId(part));
  };
  EXPECT_EQ(ci(3, 3, 3), 439);
  EXPECT_EQ(ci(6, 11, 7), 920);
  EXPECT_EQ(GpuInstanceMinor(0, mig::GpuInstanceId(0)), 3);
  EXPECT_EQ(ci(0, 14, 7) + 1, GpuInstanceMinor(1, mig::GpuInstanceId(0)));
}

class CapabilityTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SimOptions options;
    options.state_directory = folder_ / "state";
    options.capability_root = root_;
    node_ = *OpenSimNode("a30x2", options);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The regular files below a folder of the root, sorted.
  [[nodiscard]] std::vector<std::string> Files(const char* folder) const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(root_));
    }
    std::ranges::sort(files);
    return files;
  }

  const fs::path folder_ = fs::temp_directory_path() / ("flexmig-caps-" + RandomHex(8));
  const fs::path root_ = folder_ / "root";
  std::unique_ptr<SimNode> node_;
};

TEST_F(CapabilityTreeTest, FollowsTheInstances) {
  ASSERT_TRUE(node_->SetMigMode(kGpu1, true).ok());
  const std::vector<std::string> bare_caps{"dev/nvidia-caps/nvidia-cap1",
                                           "dev/nvidia-caps/nvidia-cap2"};
  EXPECT_EQ(Files("dev/nvidia-caps"), bare_caps);
  const std::vector<std::string> bare_proc{"proc/driver/nvidia/capabilities/mig/config",
                                           "proc/driver/nvidia/capabilities/mig/monitor"};
  EXPECT_EQ(Files("proc/driver/nvidia/capabilities"), bare_proc);

  // GPU instance 5 of GPU 1: 3 + 135 + 45 = 183.
  const auto id = node_->CreateGpuInstance(kGpu1, {mig::ProfileId(14), {2, 1}});
  ASSERT_TRUE(id.ok());
  ASSERT_EQ(id->value(), 5);
  ASSERT_TRUE(node_->CreateComputeInstance(kGpu1, *id).ok());
  EXPECT_TRUE(fs::exists(root_ / "dev/nvidia-caps/nvidia-cap183"));
  EXPECT_TRUE(fs::exists(root_ / "dev/nvidia-caps/nvidia-cap184"));
  EXPECT_EQ(*ReadFile(root_ / "proc/driver/nvidia/capabilities/gpu1/mig/gi5/ci0/access"),
            "DeviceFileMinor: 184\nDeviceFileMode: 292\nDeviceFileModify: 1\n");

  ASSERT_TRUE(node_->DestroyComputeInstance(kGpu1, *id, kCi0).ok());
  EXPECT_FALSE(fs::exists(root_ / "dev/nvidia-caps/nvidia-cap184"));
  ASSERT_TRUE(node_->DestroyGpuInstance(kGpu1, *id).ok());
  EXPECT_EQ(Files("dev/nvidia-caps"), bare_caps);
  EXPECT_EQ(Files("proc/driver/nvidia/capabilities"), bare_proc);
  EXPECT_FALSE(fs::exists(root_ / "proc/driver/nvidia/capabilities/gpu1"));
}

TEST_F(CapabilityTreeTest, MigMinorsNamesEveryInstanceThatCouldBe) {
  ASSERT_TRUE(node_->SetMigMode(kGpu1, true).ok());
  const std::string text = *ReadFile(root_ / "proc/driver/nvidia-caps/mig-minors");
  EXPECT_TRUE(text.starts_with("config 1\nmonitor 2\ngpu0/gi0/access 3\ngpu0/gi0/ci0/access 4\n"));
  EXPECT_NE(text.find("\ngpu6/gi11/ci7/access 920\n"), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2 + 32 * 15 * 9);
}

TEST_F(CapabilityTreeTest, WhatIsNotItsOwnStays) {
  fs::create_directories(root_ / "dev/shm");
  ASSERT_TRUE(WriteFileAtomically(root_ / "dev/shm/others", "x").ok());
  fs::create_directories(root_ / "dev/nvidia-caps");
  fs::create_symlink("/dev/null", root_ / "dev/nvidia-caps/nvidia-cap9");  // as good as a device
  ASSERT_TRUE(node_->SetMigMode(kGpu1, true).ok());
  EXPECT_TRUE(fs::exists(root_ / "dev/shm/others"));
  EXPECT_TRUE(fs::is_symlink(root_ / "dev/nvidia-caps/nvidia-cap9"));
}

}  // namespace
}  // namespace flexmig::simhw
