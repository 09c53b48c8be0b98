#include "flexmig/sim/cluster_shape.h"

#include <gtest/gtest.h>

namespace flexmig::sim {
namespace {

TEST(ClusterShapeTest, OneNumberIsOneNode) {
  EXPECT_EQ(*ClusterShape::Parse("8"), (ClusterShape{1, 8}));
  EXPECT_EQ(*ClusterShape::Parse("1x8"), (ClusterShape{1, 8}));
  EXPECT_EQ(*ClusterShape::Parse("4x8"), (ClusterShape{4, 8}));
  EXPECT_EQ(ClusterShape::Parse("4x8")->gpu_count(), 32);
  EXPECT_EQ(ClusterShape::Parse("12500x8")->gpu_count(), ClusterShape::kMaxGpus);
}

TEST(ClusterShapeTest, IsWrittenAsItIsRead) {
  for (const char* text : {"1", "8", "4x8", "100000", "3x1"}) {
    EXPECT_EQ(ClusterShape::Parse(text)->ToString(), text);
  }
}

TEST(ClusterShapeTest, RefusesWhatIsNoShape) {
  for (const char* text : {"", "x", "8x", "x8", "0", "0x8", "8x0", "-1", "2x2x2", "8 x 8", "8X8",
                           "100001", "1000x1000", "99999999999999999999"}) {
    EXPECT_EQ(ClusterShape::Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(SpanNodesTest, NamesAreReadAndListed) {
  for (const SpanNodes span : {SpanNodes::kNo, SpanNodes::kWide, SpanNodes::kAny}) {
    EXPECT_EQ(*ParseSpanNodes(SpanNodesName(span)), span);
  }
  const Status unknown = ParseSpanNodes("yes").status();
  EXPECT_EQ(unknown.code(), StatusCode::kNotFound);
  EXPECT_EQ(unknown.message(), "no span of nodes 'yes'; there are no, wide, any");
}

TEST(SpanNodesTest, AWideJobMayUseAsManyNodesAsItNeedsEmpty) {
  const ClusterShape cluster{4, 8};
  for (const int leaves : {1, 8, 9, 16, 17, 32, 33, 1000}) {
    EXPECT_EQ(MaxNodes(SpanNodes::kNo, cluster, leaves, 8), 1);
    EXPECT_EQ(MaxNodes(SpanNodes::kAny, cluster, leaves, 8), 4);
  }
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 8, 8), 1);
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 9, 8), 2);
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 32, 8), 4);
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 33, 8), 4) << "never more than there are";
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 56, 56), 1);
  EXPECT_EQ(MaxNodes(SpanNodes::kWide, cluster, 57, 56), 2);
}

}  // namespace
}  // namespace flexmig::sim
