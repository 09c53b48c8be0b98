// The parts of the library that have rules of their own.

#include <map>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/sim_node.h"

#include "devices.h"
#include "link.h"
#include "memory.h"
#include "ptx.h"

namespace flexmig::cuda_sim {
namespace {

// Two boards: GPU 0 with two leaves of 1g.5gb, the second of them with two compute instances' worth
// of 2g.10gb beside; GPU 1 with MIG off.
class VisibleDevicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const mig::GpuIndex gpu(0);
    ASSERT_TRUE(
        machine_
            .ChangeNode([&](simhw::NodeState& state) -> Status {
              simhw::SimBoard& board = state[0];
              FLEXMIG_RETURN_IF_ERROR(board.SetMigMode(true));
              const mig::Profile& one = **board.model().FindProfile("1g.5gb");
              const mig::Profile& two = **board.model().FindProfile("2g.10gb");
              for (const int start : {0, 1}) {
                FLEXMIG_ASSIGN_OR_RETURN(const auto id,
                                         board.CreateGpuInstance({one.id, {start, 1}}));
                FLEXMIG_RETURN_IF_ERROR(board.CreateComputeInstance(id));
              }
              FLEXMIG_ASSIGN_OR_RETURN(const auto id, board.CreateGpuInstance({two.id, {2, 2}}));
              for (const int start : {0, 1}) {
                FLEXMIG_RETURN_IF_ERROR(board.CreateComputeInstance(id, 1, start).status());
              }
              return OkStatus();
            })
            .ok());
  }
  [[nodiscard]] std::vector<std::string> Names(std::optional<std::string_view> visible,
                                               bool all_leaves = true) {
    std::vector<std::string> names;
    const auto state = machine_.Peek();
    EXPECT_TRUE(state.ok());
    for (const auto& device : VisibleDevices(machine_, *state, visible, all_leaves)) {
      names.push_back(device.name);
      uuids_[device.name] = device.uuid;
    }
    return names;
  }
  [[nodiscard]] std::string GpuUuid(int gpu) const {
    return machine_.gpu_uuid(mig::GpuIndex(gpu)).value();
  }

  using List = std::vector<std::string>;
  const std::string whole_ = "NVIDIA A100-SXM4-40GB";
  const std::string one_ = whole_ + " MIG 1g.5gb";
  const std::string half_ = whole_ + " MIG 1c.2g.10gb";
  simhw::SimMachine machine_{*simhw::FindNodeSpec("a100x2"), {}};
  std::map<std::string, std::string> uuids_;
};

TEST_F(VisibleDevicesTest, LeavesHideWholeGpus) {
  EXPECT_EQ(Names(std::nullopt), (List{half_, one_, one_}));  // in the order of instance ids
  EXPECT_EQ(Names(std::nullopt, false).size(), 1U);           // drivers before R570
}

TEST_F(VisibleDevicesTest, AnEmptyOrUnknownListShowsNothing) {
  for (const char* nothing : {"", "-1", "9", "NoDevFiles", "MIG-", "MIG-nobody", "all"}) {
    EXPECT_EQ(Names(nothing), List()) << nothing;
  }
}

TEST_F(VisibleDevicesTest, EntriesAreUuidsBeginningsOrIndices) {
  EXPECT_EQ(Names("1"), List{whole_});
  EXPECT_EQ(Names(GpuUuid(1)), List{whole_});
  EXPECT_EQ(Names(GpuUuid(1).substr(0, 12)), List{whole_});
  EXPECT_EQ(Names("0"), List{half_});  // the first leaf of a GPU with MIG on
  ASSERT_EQ(Names(std::nullopt).size(), 3U);
  const std::string leaf = uuids_.at(one_);
  EXPECT_EQ(Names(leaf), List{one_});
  EXPECT_EQ(Names(" " + leaf), List{one_});
}

TEST_F(VisibleDevicesTest, WhatFollowsAnUnknownEntryIsIgnored) {
  ASSERT_EQ(Names(std::nullopt).size(), 3U);
  const std::string leaf = uuids_.at(one_);
  EXPECT_EQ(Names(leaf + ",MIG-nobody," + uuids_.at(half_)), List{one_});
  EXPECT_EQ(Names("MIG-nobody," + leaf), List());
}

TEST_F(VisibleDevicesTest, TwiceTheSameShowsNothing) {
  ASSERT_EQ(Names(std::nullopt).size(), 3U);
  const std::string leaf = uuids_.at(one_);
  EXPECT_EQ(Names(leaf + "," + leaf), List());
}

TEST_F(VisibleDevicesTest, ANamedLeafHidesNamedGpus) {
  ASSERT_EQ(Names(std::nullopt).size(), 3U);
  EXPECT_EQ(Names("1," + uuids_.at(one_)), List{one_});
}

TEST(DeviceMemoryTest, RangesAreAlignedApartAndUsedAgain) {
  const auto memory = DeviceMemory::Create(1 << 20);
  ASSERT_TRUE(memory.ok());
  DeviceMemory& m = **memory;
  const uint64_t a = m.Allocate(1);
  const uint64_t b = m.Allocate(513);
  const uint64_t c = m.Allocate(1);
  EXPECT_EQ(a % 512, 0U);
  EXPECT_EQ(b - a, 512U);
  EXPECT_EQ(c - b, 1024U);
  EXPECT_EQ(m.used(), 2048U);
  EXPECT_EQ(m.Find(b + 512)->base, b);
  EXPECT_FALSE(m.Find(b + 513));
  EXPECT_FALSE(m.Free(b + 1));
  EXPECT_TRUE(m.Free(b));
  EXPECT_FALSE(m.Free(b));
  EXPECT_EQ(m.Allocate(1024), b);
  EXPECT_TRUE(m.Free(a));
  EXPECT_TRUE(m.Free(b));
  EXPECT_TRUE(m.Free(c));
  EXPECT_EQ(m.used(), 0U);
  EXPECT_EQ(m.Allocate(1 << 20), a);  // one piece again
  EXPECT_EQ(m.Allocate(1), 0U);
}

TEST(DeviceMemoryTest, FreedPagesAreClearedAndNeighboursKept) {
  const auto memory = DeviceMemory::Create(1 << 20);
  ASSERT_TRUE(memory.ok());
  DeviceMemory& m = **memory;
  const uint64_t a = m.Allocate(5000);
  const uint64_t b = m.Allocate(20000);
  const uint64_t c = m.Allocate(5000);
  for (const auto& [at, size] : {std::pair(a, 5000), std::pair(b, 20000), std::pair(c, 5000)}) {
    std::fill_n(m.Bytes(at), size, std::byte{7});
  }
  EXPECT_TRUE(m.Free(b));
  EXPECT_EQ(std::count(m.Bytes(a), m.Bytes(a) + 5000, std::byte{7}), 5000);
  EXPECT_EQ(std::count(m.Bytes(c), m.Bytes(c) + 5000, std::byte{7}), 5000);
  EXPECT_LT(std::count(m.Bytes(b), m.Bytes(b) + 20000, std::byte{7}), 8192);
}

TEST(HostMemoryTest, RangesDoNotOverlap) {
  HostMemory memory;
  std::byte bytes[100];
  EXPECT_TRUE(memory.Register({bytes + 20, 20, 0, false}));
  EXPECT_FALSE(memory.Register({bytes + 39, 1, 0, false}));
  EXPECT_FALSE(memory.Register({bytes, 21, 0, false}));
  EXPECT_FALSE(memory.Register({bytes + 20, 1, 0, false}));
  EXPECT_TRUE(memory.Register({bytes, 20, 0, false}));
  EXPECT_TRUE(memory.Register({bytes + 40, 60, 0, true}));
  EXPECT_EQ(memory.Find(bytes + 39)->base, bytes + 20);
  EXPECT_FALSE(memory.Unregister(bytes + 40, false));  // is not the client's to unregister
  EXPECT_TRUE(memory.Unregister(bytes + 20, false));
  EXPECT_FALSE(memory.Find(bytes + 20));
}

TEST(ParseBandwidthTest, AnAmountPerSecond) {
  EXPECT_EQ(*ParseBandwidth("25GB/s"), 25e9);
  EXPECT_EQ(*ParseBandwidth("1.5GiB/s"), 1.5 * (1 << 30));
  for (const char* wrong : {"", "25", "25GB", "/s", "GB/s", "0GB/s", "25GB/s ", "25GB/min"}) {
    EXPECT_FALSE(ParseBandwidth(wrong).ok()) << wrong;
  }
}

TEST(ParsePtxTest, EntriesThatAreVisible) {
  const auto module = ParsePtx(
      "//\n.version 7.0\n.target sm_80\n.visible .entry _Z3one$1(\n.param .u64 a)\n{ret;}\n"
      ".entry hidden(){}\n.visible .func called(){}\n.visible\n\t.entry\n two (){}\n.visible "
      ".entry");
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->entries, (std::vector<std::string>{"_Z3one$1", "two"}));
  EXPECT_EQ(ParsePtx(""), nullptr);
  EXPECT_EQ(ParsePtx(".visible .entry f() {}"), nullptr);
}

}  // namespace
}  // namespace flexmig::cuda_sim
