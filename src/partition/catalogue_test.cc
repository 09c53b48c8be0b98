#include "flexmig/partition/catalogue.h"

#include <gtest/gtest.h>

namespace flexmig::partition {
namespace {

std::vector<hw::GpuStatus> Gpus(const std::vector<std::string_view>& boards) {
  std::vector<hw::GpuStatus> gpus;
  for (const std::string_view board : boards) {
    hw::GpuStatus& gpu = gpus.emplace_back();
    gpu.index = mig::GpuIndex(static_cast<int>(gpus.size()) - 1);
    gpu.model = *mig::FindGpuModel(board);
    gpu.pci_device_id = 0x10DE + (static_cast<uint32_t>(gpu.model - &mig::AllGpuModels()[0]) << 16);
  }
  return gpus;
}

mig::ProfileCounts Only(const MigPartedFile& file, const std::string& name) {
  const auto found = file.configs.find(name);
  if (found == file.configs.end() || found->second.size() != 1) return {};
  return found->second[0].instances;
}

TEST(CatalogueTest, HoldsWhatMigPartedsOwnFileHoldsForAnA100) {
  const auto file = MakeCatalogue(Gpus({"a100-40", "a100-40"}));
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  const std::pair<const char*, mig::ProfileCounts> expected[] = {
      {"all-1g.5gb", {{"1g.5gb", 7}}},
      {"all-1g.5gb.me", {{"1g.5gb+me", 1}}},
      {"all-1g.10gb", {{"1g.10gb", 4}}},
      {"all-2g.10gb", {{"2g.10gb", 3}}},
      {"all-3g.20gb", {{"3g.20gb", 2}}},
      {"all-4g.20gb", {{"4g.20gb", 1}}},
      {"all-7g.40gb", {{"7g.40gb", 1}}},
      {"all-balanced", {{"1g.5gb", 2}, {"2g.10gb", 1}, {"3g.20gb", 1}}},
      {"flatten", {{"1g.5gb", 7}}},
      {"flatten-all-memory", {{"1g.10gb", 4}}},
      {"flatten-equal-memory", {{"1g.10gb", 1}, {"2g.10gb", 3}}},
  };
  for (const auto& [name, counts] : expected) EXPECT_EQ(Only(*file, name), counts) << name;
  EXPECT_EQ(file->configs.size(), std::size(expected) + 2);
  EXPECT_FALSE(file->configs.at("all-disabled")[0].mig_enabled);
  EXPECT_TRUE(file->configs.at("all-enabled")[0].mig_enabled);
}

TEST(CatalogueTest, FourSliceBoardsHaveABalanceOfTheirOwn) {
  const auto file = MakeCatalogue(Gpus({"a30"}));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(Only(*file, "all-balanced"), (mig::ProfileCounts{{"1g.6gb", 2}, {"2g.12gb", 1}}));
  EXPECT_EQ(Only(*file, "flatten-all-memory"), (mig::ProfileCounts{{"1g.6gb", 4}}));
}

// The property that matters: whatever is offered can be had.
TEST(CatalogueTest, EveryBoardCanTakeEveryConfigurationOfItsOwn) {
  for (const mig::GpuModel& model : mig::AllGpuModels()) {
    const auto gpus = Gpus({model.key});
    const auto file = MakeCatalogue(gpus);
    ASSERT_TRUE(file.ok()) << model.key;
    EXPECT_EQ(ParseMigParted(FormatMigParted(*file), "f")->configs, file->configs) << model.key;
    for (const auto& [name, rules] : file->configs) {
      const auto desired = SelectConfig(*file, name, gpus);
      EXPECT_TRUE(desired.ok()) << model.key << " " << name << ": " << desired.status().ToString();
    }
  }
}

TEST(CatalogueTest, MixedBoardsGetFilters) {
  const auto gpus = Gpus({"a100-40", "a30", "a100-40"});
  const auto file = MakeCatalogue(gpus);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->configs.at("flatten").size(), 2U);
  EXPECT_EQ(SelectConfig(*file, "flatten", gpus)->size(), 3U);
  EXPECT_EQ(SelectConfig(*file, "all-1g.6gb", gpus)->size(), 1U);
  EXPECT_EQ(SelectConfig(*file, "all-enabled", gpus)->size(), 3U);
  EXPECT_EQ(file->configs.at("all-enabled")[0].device_filter.size(), 2U);
  EXPECT_TRUE(file->configs.at("all-disabled")[0].device_filter.empty());
}

TEST(CatalogueTest, WithoutAMigBoardThereIsNone) {
  mig::GpuModel plain;
  plain.product = "NVIDIA T4";
  hw::GpuStatus gpu;
  gpu.model = &plain;
  EXPECT_EQ(MakeCatalogue({gpu}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeCatalogue({}).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace flexmig::partition
