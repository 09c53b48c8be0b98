#include "collective.h"

#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

TEST(CollectiveTest, EveryNameIsReadBack) {
  for (const Collective collective : kAllCollectives) {
    const auto parsed = ParseCollective(CollectiveName(collective));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, collective);
  }
  const auto unknown = ParseCollective("allreduce");
  EXPECT_EQ(unknown.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(unknown.status().message().find("all_reduce"), std::string::npos);
}

TEST(CollectiveTest, SizeIsTheWholeVectorWhereAllRanksHaveIt) {
  for (const auto collective :
       {Collective::kAllReduce, Collective::kReduce, Collective::kBroadcast}) {
    const CallShape shape = ShapeOf(collective, 1024, 4, 4);
    EXPECT_EQ(shape.count, 256u);
    EXPECT_EQ(shape.send_count, 256u);
    EXPECT_EQ(shape.receive_count, 256u);
    EXPECT_EQ(shape.total_bytes, 1024u);
  }
}

TEST(CollectiveTest, SizeIsAllOutputOfGathersAndAllInputOfScatters) {
  for (const auto collective : {Collective::kAllGather, Collective::kGather}) {
    const CallShape shape = ShapeOf(collective, 1024, 4, 4);
    EXPECT_EQ(shape.count, 64u);
    EXPECT_EQ(shape.send_count, 64u);
    EXPECT_EQ(shape.receive_count, 256u);
    EXPECT_EQ(shape.total_bytes, 1024u);
  }
  for (const auto collective : {Collective::kReduceScatter, Collective::kScatter}) {
    const CallShape shape = ShapeOf(collective, 1024, 4, 4);
    EXPECT_EQ(shape.count, 64u);
    EXPECT_EQ(shape.send_count, 256u);
    EXPECT_EQ(shape.receive_count, 64u);
    EXPECT_EQ(shape.total_bytes, 1024u);
  }
  const CallShape all_to_all = ShapeOf(Collective::kAllToAll, 1024, 2, 4);
  EXPECT_EQ(all_to_all.count, 128u);
  EXPECT_EQ(all_to_all.send_count, 512u);
  EXPECT_EQ(all_to_all.receive_count, 512u);
}

TEST(CollectiveTest, EveryRankHasAtLeastOneElement) {
  const CallShape shape = ShapeOf(Collective::kAllGather, 8, 4, 4);
  EXPECT_EQ(shape.count, 1u);
  EXPECT_EQ(shape.total_bytes, 16u);  // what really moves, not the 8 that were asked for
  EXPECT_EQ(ShapeOf(Collective::kAllReduce, 1, 8, 2).total_bytes, 8u);
}

TEST(CollectiveTest, SizesAreRoundedDownToWholeElements) {
  EXPECT_EQ(ShapeOf(Collective::kAllReduce, 1023, 4, 2).total_bytes, 1020u);
  EXPECT_EQ(ShapeOf(Collective::kScatter, 1023, 4, 3).total_bytes, 1020u);
}

TEST(CollectiveTest, BarrierHasNoSize) {
  const CallShape shape = ShapeOf(Collective::kBarrier, 1024, 4, 2);
  EXPECT_EQ(shape.count, 0u);
  EXPECT_EQ(shape.total_bytes, 0u);
  EXPECT_EQ(BusFactor(Collective::kBarrier, 2), 0);
}

TEST(CollectiveTest, BusFactorsAreThoseOfNcclTests) {
  EXPECT_DOUBLE_EQ(BusFactor(Collective::kAllReduce, 2), 1.0);
  EXPECT_DOUBLE_EQ(BusFactor(Collective::kAllReduce, 4), 1.5);
  for (const auto collective : {Collective::kReduceScatter, Collective::kAllGather,
                                Collective::kGather, Collective::kScatter, Collective::kAllToAll}) {
    EXPECT_DOUBLE_EQ(BusFactor(collective, 4), 0.75);
  }
  EXPECT_DOUBLE_EQ(BusFactor(Collective::kReduce, 4), 1.0);
  EXPECT_DOUBLE_EQ(BusFactor(Collective::kBroadcast, 4), 1.0);
}

TEST(CollectiveTest, BandwidthIsInBillionsOfBytes) {
  EXPECT_DOUBLE_EQ(AlgorithmBandwidth(1000, 1), 1.0);
  EXPECT_DOUBLE_EQ(AlgorithmBandwidth(1 << 20, 1048.576), 1.0);
  EXPECT_EQ(AlgorithmBandwidth(1, 0), 0);
}

}  // namespace
}  // namespace flexmig::perf
