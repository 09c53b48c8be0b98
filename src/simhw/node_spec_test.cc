#include "flexmig/simhw/node_spec.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::simhw {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NodeSpecTest, MachinesHaveEightBoardsAtPlacesOfTheirOwn) {
  const auto names = MachineNames();
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const auto& name : names) {
    const auto spec = FindNodeSpec(name);
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    EXPECT_EQ(spec->name, name);
    std::set<std::string> bus_ids;
    for (const auto& board : spec->boards) bus_ids.insert(board.pci_bus_id);
    EXPECT_EQ(spec->boards.size(), 8U);
    EXPECT_EQ(bus_ids.size(), 8U);
  }
}

TEST(NodeSpecTest, ADgxA100HasTheNumaNodesOfThePublishedMatrix) {
  const auto spec = FindNodeSpec("dgx-a100-40");
  ASSERT_TRUE(spec.ok());
  std::vector<int> numa;
  for (const auto& board : spec->boards) numa.push_back(board.numa_node);
  EXPECT_THAT(numa, ElementsAre(3, 3, 1, 1, 7, 7, 5, 5));
}

TEST(NodeSpecTest, AnyBoardComesInAnyNumberUpTo32) {
  for (const auto& model : mig::AllGpuModels()) {
    const auto spec = FindNodeSpec(std::string(model.key) + "x32");
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    EXPECT_EQ(spec->boards.size(), 32U);
    EXPECT_EQ(spec->boards[31].model, &model);
    EXPECT_EQ(spec->boards[31].pci_bus_id, "0000:20:00.0");
  }
}

TEST(NodeSpecTest, ANodeMayHoldDifferentBoards) {
  const auto spec = FindNodeSpec("a100x1+a30x2");
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->name, "a100-40x1+a30x2");
  ASSERT_EQ(spec->boards.size(), 3U);
  EXPECT_EQ(spec->boards[0].pci_device_id, 0x20B010DEU);
  EXPECT_EQ(spec->boards[2].pci_device_id, 0x20B710DEU);
  EXPECT_EQ(spec->boards[2].pci_bus_id, "0000:03:00.0");
  for (const char* name : {"a100x1+", "+a100x1", "a100x1+dgx-a100-40", "a100x16+a30x17"}) {
    EXPECT_EQ(FindNodeSpec(name).status().code(), StatusCode::kNotFound) << name;
  }
}

TEST(NodeSpecTest, AShortNameIsTheSameNodeAsTheLongOne) {
  EXPECT_EQ(FindNodeSpec("h200x1")->name, "h200-141x1");
  EXPECT_EQ(FindNodeSpec("rtx-pro-6000x2")->boards.size(), 2U);
}

TEST(NodeSpecTest, UnknownNamesAreAnsweredWithTheKnownOnes) {
  for (const char* name : {"", "x", "x1", "dgx", "dgx-a100-40x1", "a30", "a30x", "a30x0", "a30x33",
                           "a30x01", "a30x+1", "a30x1 ", "v100x1", "A30x1"}) {
    const auto spec = FindNodeSpec(name);
    EXPECT_EQ(spec.status().code(), StatusCode::kNotFound) << name;
    EXPECT_THAT(spec.status().message(), HasSubstr("dgx-a100-40, dgx-a100-80, hgx-b200"));
    EXPECT_THAT(spec.status().message(), HasSubstr("rtx-pro-6000"));
  }
}

}  // namespace
}  // namespace flexmig::simhw
