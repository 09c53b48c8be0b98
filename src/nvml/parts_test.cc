// The parts of the backend that need no library: names, lookups, searches.

#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "board.h"
#include "board_model.h"
#include "function_table.h"
#include "mig_uuid.h"
#include "placement_search.h"
#include "unseen_holders.h"

namespace flexmig::nvml {
namespace {

using ::testing::HasSubstr;

constexpr char kGpu[] = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77";

TEST(MigUuidTest, TheOldFormNamesItsPlace) {
  const std::string text = StrCat("MIG-", kGpu, "/9/0");
  const auto parts = ParseOldMigUuid(text);
  ASSERT_TRUE(parts);
  EXPECT_EQ(*parts,
            (MigUuidParts{mig::GpuUuid(kGpu), mig::GpuInstanceId(9), mig::ComputeInstanceId(0)}));
  EXPECT_EQ(FormatOldMigUuid(*parts).value(), text);
  EXPECT_TRUE(IsMigUuid(text));
}

TEST(MigUuidTest, TheNewFormIsOneUuid) {
  EXPECT_TRUE(IsMigUuid("MIG-7f37c7aa-357a-5286-8db6-584f7500ad74"));
  EXPECT_FALSE(ParseOldMigUuid("MIG-7f37c7aa-357a-5286-8db6-584f7500ad74"));
}

TEST(MigUuidTest, NothingElseIsAMigUuid) {
  for (const std::string& text :
       {std::string(), std::string("MIG-"), std::string(kGpu), StrCat("MIG-", kGpu),
        StrCat("MIG-", kGpu, "/9"), StrCat("MIG-", kGpu, "/9/0/0"), StrCat("MIG-", kGpu, "/9/x"),
        StrCat("MIG-", kGpu, "/-1/0"), StrCat("MIG-", kGpu, "/256/0"),
        std::string("MIG-7f37c7aa-357a-5286-8db6-584f7500ad7"),
        std::string("MIG-7f37c7aa-357a-5286-8db6-584f7500ad7g"),
        std::string("MIG-7f37c7aa_357a-5286-8db6-584f7500ad74")}) {
    EXPECT_FALSE(IsMigUuid(text)) << text;
  }
}

TEST(BusIdTest, ComesOutAsTheKernelWritesIt) {
  EXPECT_EQ(NormalBusId("00000000:0F:00.0"), "0000:0f:00.0");
  EXPECT_EQ(NormalBusId("00010000:0F:00.0"), "00010000:0f:00.0");
  EXPECT_EQ(NormalBusId("0008:06:00.0"), "0008:06:00.0");
}

TEST(FunctionTableTest, TheHighestVersionIsTaken) {
  int newest = 0;
  int oldest = 0;
  int other = 0;
  const auto find = [&](const std::string& name) -> void* {
    if (name == "nvmlInit_v2") return &newest;
    if (name == "nvmlInit") return &oldest;
    return &other;
  };
  const auto table = ResolveFunctions([&](const char* name) { return find(name); });
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(reinterpret_cast<void*>(table->init), &newest);
  const auto old = ResolveFunctions(
      [&](const char* name) { return std::string(name).ends_with("_v2") ? nullptr : find(name); });
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(reinterpret_cast<void*>(old->init), &oldest);
  EXPECT_EQ(old->ci_info_v2, nullptr);
  EXPECT_NE(old->ci_info_v1, nullptr);
}

TEST(FunctionTableTest, WhatCannotBeDoneWithoutIsNamed) {
  const auto table = ResolveFunctions([](const char*) { return nullptr; });
  EXPECT_EQ(table.status().code(), StatusCode::kUnimplemented);
  EXPECT_THAT(table.status().message(), HasSubstr("nvmlInit_v2, nvmlShutdown"));
}

TEST(UnseenHoldersTest, KnownProgramsAreNamedInOrder) {
  const auto proc = std::filesystem::temp_directory_path() / ("flexmig-proc-" + RandomHex(8));
  const auto add = [&](const char* pid, const char* comm) {
    std::filesystem::create_directories(proc / pid);
    std::ofstream(proc / pid / "comm") << comm << "\n";
  };
  EXPECT_EQ(DescribeLikelyHolders(proc), "");
  add("1", "init");
  add("913", "dcgm-exporter");
  add("812", "nv-hostengine");
  add("self", "nvtop");
  EXPECT_EQ(DescribeLikelyHolders(proc),
            "nv-hostengine (process 812), dcgm-exporter (process 913)");
  std::filesystem::remove_all(proc);
}

// A driver whose order is given: the first free place of `order` that fits.
class OrderedDriver {
 public:
  OrderedDriver(const mig::GpuModel& model, std::vector<int> order)
      : model_(model), order_(std::move(order)) {}

  PlacementDriver Functions() {
    return {[this](mig::ProfileId id) { return Create(id); },
            [this](mig::GpuInstanceId id) { return Destroy(id); }};
  }
  [[nodiscard]] mig::MigLayout Layout() const {
    mig::MigLayout layout;
    for (const auto& [id, placed] : present_) layout.push_back(placed);
    return layout;
  }
  void Add(const mig::PlacedProfile& placed) { present_[next_++] = placed; }

 private:
  Result<PlacementDriver::Made> Create(mig::ProfileId id) {
    const mig::Profile& profile = *model_.FindProfile(id);
    for (const int start : order_) {
      auto layout = Layout();
      layout.push_back({id, {start, profile.memory_slices}});
      if (!mig::CheckLayout(model_, layout).ok()) continue;
      Add(layout.back());
      return PlacementDriver::Made{mig::GpuInstanceId(next_ - 1), layout.back().placement};
    }
    return ResourceExhaustedError("full");
  }
  Status Destroy(mig::GpuInstanceId id) {
    return present_.erase(id.value()) == 1 ? OkStatus() : NotFoundError("no such instance");
  }

  const mig::GpuModel& model_;
  const std::vector<int> order_;
  int next_ = 100;
  std::map<int, mig::PlacedProfile> present_;
};

TEST(PlacementSearchTest, EveryPlaceIsReachedWhateverTheDriversOrder) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  for (const std::vector<int>& order :
       {std::vector{0, 1, 2, 3, 4, 5, 6}, std::vector{6, 4, 5, 0, 1, 2, 3}}) {
    for (const mig::Profile& profile : model.profiles) {
      for (const int start : profile.starts) {
        OrderedDriver driver(model, order);
        const mig::PlacedProfile wanted{profile.id, {start, profile.memory_slices}};
        const auto id = CreateBySearch(driver.Functions(), model, wanted);
        ASSERT_TRUE(id.ok()) << profile.name << " at " << start << ": " << id.status().ToString();
        EXPECT_EQ(driver.Layout(), mig::MigLayout{wanted});
      }
    }
  }
}

TEST(PlacementSearchTest, AFailureLeavesNothingNew) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  const mig::Profile& leaf = **model.FindProfile("1g.5gb");
  OrderedDriver driver(model, {0, 1, 2, 3, 4, 5, 6});
  const mig::PlacedProfile taken{leaf.id, {3, 1}};
  driver.Add(taken);
  EXPECT_EQ(CreateBySearch(driver.Functions(), model, taken).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(driver.Layout(), mig::MigLayout{taken});
  OrderedDriver full(model, {0});
  full.Add({mig::ProfileId(0), {0, 8}});
  EXPECT_EQ(CreateBySearch(full.Functions(), model, taken).status().code(),
            StatusCode::kResourceExhausted);
}

BoardDescription Describe(const mig::GpuModel& model) {
  BoardDescription board;
  board.product = "NVIDIA Something";
  board.architecture = model.architecture;
  board.mode_change_needs_reset = model.mode_change_needs_reset;
  board.has_mig = true;
  for (const mig::Profile& profile : model.profiles) {
    DriverProfile driver;
    driver.index = static_cast<uint32_t>(profile.nvml_index);
    driver.id = profile.id.value();
    driver.name = profile.name;
    driver.compute_slices = profile.compute_slices;
    driver.instance_count = profile.max_instances;
    driver.sms = profile.sms.value_or(0);
    driver.copy_engines = profile.copy_engines;
    driver.memory_mib = static_cast<uint64_t>(profile.memory.value_or(Bytes()).count() >> 20);
    driver.starts.emplace(profile.starts.begin(), profile.starts.end());
    driver.size = profile.memory_slices;
    board.profiles.push_back(std::move(driver));
  }
  return board;
}

TEST(BoardModelTest, ATableIsRecognisedByWhatTheDriverSays) {
  for (const auto& model : mig::AllGpuModels()) {
    if (model.key == "b200") continue;  // has rows without numbers
    EXPECT_EQ(*ModelOf(Describe(model)), &model) << model.key;
  }
}

TEST(BoardModelTest, TheDriversNumbersWinOverTheTables) {
  const mig::GpuModel& table = **mig::FindGpuModel("h200-141");
  BoardDescription board = Describe(table);
  board.profiles[0].memory_mib += 64;
  const auto model = ModelOf(board);
  ASSERT_TRUE(model.ok());
  EXPECT_NE(*model, &table);
  EXPECT_EQ((*model)->key, "h200-141");
  EXPECT_EQ((*model)->product, "NVIDIA Something");
  EXPECT_EQ((*model)->total_sms, 132);
  EXPECT_EQ((*model)->profiles[0].memory, Bytes::MiB(16384 + 64));
  EXPECT_EQ(*ModelOf(board), *model) << "made once";
}

TEST(BoardModelTest, PlacementsThatAUserMayNotSeeComeFromTheTable) {
  const mig::GpuModel& table = **mig::FindGpuModel("a30");
  BoardDescription board = Describe(table);
  for (DriverProfile& profile : board.profiles) profile.starts.reset();
  EXPECT_EQ(*ModelOf(board), &table);
}

TEST(BoardModelTest, AnUnknownBoardIsBelieved) {
  BoardDescription board = Describe(**mig::FindGpuModel("h100-80"));
  for (DriverProfile& profile : board.profiles) {
    profile.memory_mib *= 10;
    profile.name.clear();
  }
  const auto model = ModelOf(board);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ((*model)->key, "NVIDIA Something");
  EXPECT_EQ((*model)->total_sms, 132);
  EXPECT_EQ((*model)->placement_units, 8);
  EXPECT_EQ((*model)->profiles[0].name, "1g.98gb");
  EXPECT_EQ((*model)->profiles[1].name, "1g.98gb+me");
  EXPECT_EQ((*model)->profiles[1].media, mig::MediaEngines::kMe);
}

TEST(BoardModelTest, WithoutAnyProfileTheNameDecides) {
  const auto key = [](const char* product) {
    BoardDescription board;
    board.product = product;
    board.has_mig = true;
    const auto model = ModelOf(board);
    EXPECT_TRUE(model.ok()) << product;
    return (*model)->profiles.empty() ? std::string_view() : (*model)->key;
  };
  EXPECT_EQ(key("NVIDIA A100-SXM4-40GB"), "a100-40");
  EXPECT_EQ(key("NVIDIA A100 80GB PCIe"), "a100-80");
  EXPECT_EQ(key("NVIDIA H100 80GB HBM3"), "h100-80");
  EXPECT_EQ(key("NVIDIA H100 NVL"), "h100-94");
  EXPECT_EQ(key("NVIDIA H200"), "h200-141");
  EXPECT_EQ(key("NVIDIA GH200 480GB"), "h100-96");
  EXPECT_EQ(key("NVIDIA GH200 144G HBM3e"), "");
  EXPECT_EQ(key("NVIDIA GB200"), "");
  EXPECT_EQ(key("NVIDIA X1000"), "");
}

TEST(BoardModelTest, ABoardWithoutMigHasNoProfiles) {
  BoardDescription board;
  board.product = "Tesla T4";
  const auto model = ModelOf(board);
  ASSERT_TRUE(model.ok());
  EXPECT_TRUE((*model)->profiles.empty());
  EXPECT_EQ((*model)->product, "Tesla T4");
}

}  // namespace
}  // namespace flexmig::nvml
