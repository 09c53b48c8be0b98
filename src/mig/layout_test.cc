#include "flexmig/mig/layout.h"

#include <gtest/gtest.h>

namespace flexmig::mig {
namespace {

const GpuModel& Model(std::string_view key) { return **FindGpuModel(key); }

// The layout of "name@start" items.
MigLayout Layout(const GpuModel& model,
                 const std::vector<std::pair<std::string_view, int>>& items) {
  MigLayout layout;
  for (const auto& [name, start] : items) {
    const Profile* profile = *model.FindProfile(name);
    layout.push_back({profile->id, {start, profile->memory_slices}});
  }
  return layout;
}

TEST(CheckLayoutTest, OverlapIsNoRoom) {
  const auto& a100 = Model("a100-40");
  const Status status = CheckLayout(a100, Layout(a100, {{"3g.20gb", 0}, {"1g.5gb", 3}}));
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "3g.20gb at 0:4 overlaps 1g.5gb at 3:1");
}

TEST(CheckLayoutTest, PlacementsOffTheGridAreInvalid) {
  const auto& a100 = Model("a100-40");
  EXPECT_EQ(CheckLayout(a100, Layout(a100, {{"4g.20gb", 4}})).code(), StatusCode::kInvalidArgument)
      << "the second half has three compute slices";
  EXPECT_EQ(CheckLayout(a100, Layout(a100, {{"1g.5gb", 7}})).code(), StatusCode::kInvalidArgument);
  const MigLayout wrong_size{{(*a100.FindProfile("1g.5gb"))->id, {0, 2}}};
  EXPECT_EQ(CheckLayout(a100, wrong_size).code(), StatusCode::kInvalidArgument);
  const MigLayout unknown{{ProfileId(99), {0, 1}}};
  EXPECT_EQ(CheckLayout(a100, unknown).code(), StatusCode::kInvalidArgument);
}

TEST(CheckLayoutTest, MediaEnginesAreHeldOnce) {
  const auto& a100 = Model("a100-40");
  EXPECT_FALSE(CheckLayout(a100, Layout(a100, {{"1g.5gb+me", 0}, {"1g.5gb+me", 1}})).ok());
  EXPECT_TRUE(CheckLayout(a100, Layout(a100, {{"1g.5gb+me", 0}, {"1g.5gb", 1}})).ok());
  const auto& rtx = Model("rtx-pro-6000");
  EXPECT_FALSE(CheckLayout(rtx, Layout(rtx, {{"1g.24gb+me.all", 0}, {"1g.24gb", 3}})).ok());
  EXPECT_TRUE(CheckLayout(rtx, Layout(rtx, {{"1g.24gb+me.all", 0}, {"2g.48gb-me", 6}})).ok());
}

TEST(PlaceCountsTest, FindsAnArrangementWhereTheDriversOrderDeadEnds) {
  // The vendor's guide shows creation in the order 1g, 1g, 2g, 3g to fail on an A100.
  const auto& a100 = Model("a100-40");
  const auto layout = PlaceCounts(a100, {{"1g.5gb", 2}, {"2g.10gb", 1}, {"3g.20gb", 1}});
  ASSERT_TRUE(layout.ok());
  EXPECT_TRUE(CheckLayout(a100, *layout).ok());
  EXPECT_EQ(DescribeLayout(a100, *layout), "2 x 1g.5gb + 1 x 2g.10gb + 1 x 3g.20gb");
}

TEST(PlaceCountsTest, SaysWhatDoesNotFit) {
  const auto& a100 = Model("a100-40");
  EXPECT_EQ(PlaceCounts(a100, {{"1g.5gb", 8}}).status().message(),
            "A100 40GB (SXM4, PCIe), A800-40GB takes at most 7 x 1g.5gb, not 8");
  EXPECT_EQ(PlaceCounts(a100, {{"4g.20gb", 1}, {"3g.20gb", 2}}).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(PlaceCounts(a100, {{"1g.5gb", -1}}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlaceCounts(a100, {{"9g.9gb", 1}}).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(PlaceCounts(a100, {})->empty());
}

TEST(UniformLayoutTest, CutsEveryBoardIntoAsManyAsTheVendorSays) {
  for (const GpuModel& model : AllGpuModels()) {
    for (const Profile& profile : model.profiles) {
      const auto layout = UniformLayout(model, profile.name);
      ASSERT_TRUE(layout.ok()) << layout.status().ToString();
      EXPECT_EQ(static_cast<int>(layout->size()), profile.max_instances) << profile.name;
    }
  }
}

TEST(PriceLayoutTest, ReproducesTheKnownCostsOfFlattening) {
  const struct {
    const char* model;
    const char* profile;
    int sms;
    double memory_gib;
    int slices;
  } cases[] = {
      {"a100-40", "1g.5gb", 98, 33.25, 7},        {"a100-40", "1g.10gb", 56, 39.0, 8},
      {"h100-80", "1g.10gb", 112, 68.25, 7},      {"h100-80", "3g.40gb", 120, 79.0, 8},
      {"h200-141", "1g.18gb", 112, 112.0, 7},     {"a30", "1g.6gb", 56, 23.25, 4},
      {"rtx-pro-6000", "1g.24gb", 184, 94.5, 12},
  };
  for (const auto& test : cases) {
    const auto& model = Model(test.model);
    const LayoutPrice price = PriceLayout(model, *UniformLayout(model, test.profile));
    EXPECT_EQ(price.sms, test.sms) << test.model;
    ASSERT_TRUE(price.memory.has_value());
    EXPECT_DOUBLE_EQ(price.memory->gib(), test.memory_gib) << test.model;
    EXPECT_EQ(price.memory_slices, test.slices) << test.model;
  }
  const auto& b200 = Model("b200");
  EXPECT_EQ(PriceLayout(b200, *UniformLayout(b200, "1g.23gb")).sms, 126);
  EXPECT_FALSE(PriceLayout(b200, *UniformLayout(b200, "3g.90gb")).sms.has_value());
}

TEST(DefaultLeafProfileTest, IsThePlainOneSliceProfile) {
  EXPECT_EQ(DefaultLeafProfile(Model("a100-40")).name, "1g.5gb");
  EXPECT_EQ(DefaultLeafProfile(Model("rtx-pro-6000")).name, "1g.24gb");
}

TEST(ParseLayoutTest, ReadsEveryWayOfWriting) {
  const auto& a100 = Model("a100-40");
  const MigLayout seven = *UniformLayout(a100, "1g.5gb");
  for (const auto* text : {"7x1g.5gb", "all-1g.5gb", "1g.5gb", "1g.5gb:7"}) {
    EXPECT_EQ(*ParseLayout(a100, text), seven) << text;
  }
  const auto mixed = ParseLayout(a100, "1g.5gb:6,1g.10gb");
  ASSERT_TRUE(mixed.ok()) << mixed.status().ToString();
  EXPECT_EQ(DescribeLayout(a100, *mixed), "6 x 1g.5gb + 1 x 1g.10gb");
  EXPECT_EQ(*ParseLayout(a100, "3g.20gb+2g.10gb+1g.5gb:2"),
            *ParseLayout(a100, "1x3g.20gb,1x2g.10gb,2x1g.5gb"));
  EXPECT_EQ(ParseLayout(a100, "1g.5gb+me+3g.20gb")->size(), 2u) << "'+' is also part of a name";
}

TEST(ParseLayoutTest, QuotesWhatItCannotRead) {
  const auto& a100 = Model("a100-40");
  const struct {
    const char* text;
    StatusCode code;
  } cases[] = {
      {"", StatusCode::kNotFound},
      {"9g.99gb", StatusCode::kNotFound},
      {"0x1g.5gb", StatusCode::kNotFound},
      {"1g.5gb:0", StatusCode::kInvalidArgument},
      {"1g.5gb:x", StatusCode::kInvalidArgument},
      {"1g.5gb:2,1g.5gb:2", StatusCode::kInvalidArgument},
      {"8x1g.5gb", StatusCode::kResourceExhausted},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(ParseLayout(a100, test.text).status().code(), test.code) << test.text;
  }
}

}  // namespace
}  // namespace flexmig::mig
