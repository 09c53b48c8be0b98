#include "flexmig/doctor/read_host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"

namespace flexmig::doctor {
namespace {

namespace fs = std::filesystem;

class ReadHostTest : public ::testing::Test {
 protected:
  ReadHostTest() : root_(fs::temp_directory_path() / ("flexmig-doctor-" + RandomHex(8))) {
    fs::create_directories(root_);
  }
  ~ReadHostTest() override { fs::remove_all(root_); }
  ReadHostTest(const ReadHostTest&) = delete;
  ReadHostTest& operator=(const ReadHostTest&) = delete;

  void Put(const fs::path& name, std::string_view content) {
    fs::create_directories((root_ / name).parent_path());
    ASSERT_TRUE(WriteFileAtomically(root_ / name, content).ok());
  }

  const fs::path root_;
};

TEST_F(ReadHostTest, ReadsTheDriversAndTheKernelsFiles) {
  Put("proc/driver/nvidia-caps/mig-minors", "config 1\nmonitor 2\ngpu0/gi7/access 66\n");
  Put("dev/nvidia-caps/nvidia-cap1", "");
  Put("dev/nvidia-caps/nvidia-cap66", "");
  Put("dev/nvidia-caps/other", "");
  Put("sys/devices/system/node/node0/x", "");
  Put("sys/devices/system/node/node1/x", "");
  Put("sys/devices/system/node/possible", "0-1");
  HostPaths paths;
  paths.driver_root = root_;
  paths.sys = root_ / "sys";
  paths.shared_memory = root_;
  paths.state = root_ / "state";
  paths.nccl = root_ / "no-nccl";
  const HostView host = ReadHost(paths);
  EXPECT_EQ(host.user, ::geteuid());
  ASSERT_TRUE(host.capabilities.has_value());
  EXPECT_EQ(host.capabilities->at("gpu0/gi7/access"), 66);
  EXPECT_EQ(host.capability_nodes, (std::map<int, bool>{{1, true}, {66, true}}));
  EXPECT_EQ(host.numa_nodes, 2);
  ASSERT_TRUE(host.shared_memory.ok());
  EXPECT_GT(host.shared_memory->total.count(), 0);
  EXPECT_TRUE(host.state.ok());
  EXPECT_EQ(host.nccl.status().code(), StatusCode::kNotFound);
}

TEST_F(ReadHostTest, WhatIsNotThereIsUnknown) {
  HostPaths paths;
  paths.driver_root = paths.sys = root_;
  paths.shared_memory = root_ / "none";
  const HostView host = ReadHost(paths);
  EXPECT_FALSE(host.capabilities.has_value());
  EXPECT_TRUE(host.capability_nodes.empty());
  EXPECT_EQ(host.numa_nodes, 0);
  EXPECT_EQ(host.shared_memory.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(host.state.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(ReadPciLink(root_, "0000:07:00.0").has_value());
  EXPECT_FALSE(ReadDeviceMinor(root_, "0000:07:00.0").has_value());
}

TEST_F(ReadHostTest, ReadsTheLinkAndTheMinorOfADevice) {
  const fs::path device = "bus/pci/devices/0000:07:00.0";
  Put(device / "current_link_speed", "16.0 GT/s PCIe\n");
  Put(device / "max_link_speed", "32.0 GT/s PCIe\n");
  Put(device / "current_link_width", "8\n");
  Put(device / "max_link_width", "16\n");
  const auto link = ReadPciLink(root_, "0000:07:00.0");
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->speed, "16.0 GT/s PCIe");
  EXPECT_EQ(link->max_speed, "32.0 GT/s PCIe");
  EXPECT_EQ(link->lanes, 8);
  EXPECT_EQ(link->max_lanes, 16);
  Put("proc/driver/nvidia/gpus/0000:07:00.0/information",
      "Model: \t\t NVIDIA A100\nDevice Minor: \t 3\n");
  EXPECT_EQ(ReadDeviceMinor(root_, "0000:07:00.0"), 3);
}

TEST_F(ReadHostTest, OtherLinesInTheListOfCapabilitiesAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"config 1\nmonitor\n", "f:2: not '<capability> <minor number>'"},
      {"config x\n", "f:1: not '<capability> <minor number>'"},
      {" 1\n", "f:1: not '<capability> <minor number>'"},
      {"\nconfig 1\n", "f:1: not '<capability> <minor number>'"},
      {"config 1 2\n", "f:1: not '<capability> <minor number>'"},
      {"config 9999999\n", "f:1: not '<capability> <minor number>'"},
      {"config 1\nconfig 2\n", "f:2: 'config' is repeated"},
  };
  for (const auto& [text, message] : cases) {
    const auto minors = ParseMigMinors(text, "f");
    EXPECT_EQ(minors.status().code(), StatusCode::kDataLoss) << text;
    EXPECT_EQ(minors.status().message(), message);
  }
  EXPECT_TRUE(ParseMigMinors("", "f").ok());
}

}  // namespace
}  // namespace flexmig::doctor
