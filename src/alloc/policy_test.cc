#include "flexmig/alloc/policy.h"

#include <gtest/gtest.h>

namespace flexmig::alloc {
namespace {

using mig::LeafId;

LeafPool Pool(std::string_view layout, int gpus) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return LeafPool(mig::NodeInventory::Uniform(model, gpus, *mig::ParseLayout(model, layout)));
}

std::vector<int> Choose(std::string_view policy, const AllocationRequest& request,
                        const LeafPool& pool) {
  const auto chosen = (*MakePolicy(policy))->Choose(request, pool);
  EXPECT_TRUE(chosen.ok()) << chosen.status().ToString();
  std::vector<int> ids;
  if (chosen.ok()) {
    for (const LeafId id : chosen->leaves) ids.push_back(id.value());
  }
  return ids;
}

Status Refusal(const AllocationRequest& request, const LeafPool& pool) {
  return (*MakePolicy("pack"))->Choose(request, pool).status();
}

TEST(PolicyTest, PackFillsTheGpuThatIsAlreadyInUse) {
  LeafPool pool = Pool("1g.5gb", 3);
  const LeafId used[] = {LeafId(7), LeafId(8), LeafId(9)};
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  EXPECT_EQ(Choose("pack", {4, {}, {}}, pool), (std::vector<int>{10, 11, 12, 13}));
  EXPECT_EQ(Choose("first-fit", {4, {}, {}}, pool), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(Choose("spread", {4, {}, {}}, pool), (std::vector<int>{0, 1, 10, 14}));
}

TEST(PolicyTest, SpreadHonoursTheSpanRule) {
  const LeafPool pool = Pool("1g.5gb", 8);
  EXPECT_EQ(Choose("spread", {4, {}, 2}, pool), (std::vector<int>{0, 1, 7, 8}));
}

TEST(PolicyTest, TheMemoryFloorChoosesTheSmallestProfileThatReachesIt) {
  const LeafPool pool = Pool("1g.5gb:6,1g.10gb:1", 2);  // the wide leaves have ids 6 and 13
  EXPECT_EQ(Choose("first-fit", {2, {}, {}}, pool), (std::vector<int>{0, 1}));
  EXPECT_EQ(Choose("first-fit", {2, Bytes::GiB(8), {}}, pool), (std::vector<int>{6, 13}));
}

TEST(PolicyTest, TheSliceFloorChoosesTheSmallestProfileThatReachesIt) {
  LeafPool pool = Pool("4g.20gb:1,2g.10gb:1,1g.5gb:1", 2);  // by place: 4g, 2g, 1g on each GPU
  EXPECT_EQ(Choose("first-fit", {1, {}, {}, 1}, pool), (std::vector<int>{2}));
  EXPECT_EQ(Choose("pack", {1, {}, {}, 2}, pool), (std::vector<int>{1}));
  EXPECT_EQ(Choose("spread", {1, {}, {}, 3}, pool), (std::vector<int>{0}));
  EXPECT_EQ(Choose("first-fit", {2, {}, {}, 4}, pool), (std::vector<int>{0, 3}));
  EXPECT_EQ(Refusal({1, {}, {}, 5}, pool).message(),
            "no leaf has 5 compute slices; the most are 4");
  EXPECT_EQ(Refusal({1, Bytes::GiB(20), {}, 1}, pool).message(),
            "no leaf has 1 compute slices and 20.00 GiB; the most are 4 and 19.62 GiB");
  EXPECT_EQ(Refusal({3, {}, {}, 3}, pool).message(),
            "3 leaves of one profile with 3 compute slices are more than this node has; the "
            "largest possible number is 2");
  const LeafId twos[] = {LeafId(1), LeafId(4)};
  ASSERT_TRUE(pool.Lease(JobId("a"), twos).ok());
  EXPECT_EQ(Choose("first-fit", {1, {}, {}, 2}, pool), (std::vector<int>{0}));
}

TEST(PolicyTest, ARequestNeverMixesProfiles) {
  const LeafPool pool = Pool("1g.5gb:6,1g.10gb:1", 1);
  EXPECT_EQ(Refusal({7, {}, {}}, pool).message(),
            "7 leaves of one profile are more than this node has; the largest possible number is "
            "6");
}

TEST(PolicyTest, RefusalsSayWhetherWaitingHelps) {
  LeafPool pool = Pool("1g.5gb", 1);
  const LeafId used[] = {LeafId(0), LeafId(1)};
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  EXPECT_EQ(Refusal({6, {}, {}}, pool).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Refusal({6, {}, {}}, pool).message(), "6 leaves are not free together now; 5 are");
  EXPECT_EQ(Refusal({8, {}, {}}, pool).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal({0, {}, {}}, pool).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal({-3, {}, {}}, pool).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal({1, {}, 0}, pool).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal({1, Bytes::GiB(14), {}}, pool).message(),
            "no leaf has 14.00 GiB; the largest has 4.75 GiB");
  EXPECT_EQ(Refusal({1, {}, {}}, LeafPool(mig::NodeInventory{})).message(),
            "this node has no leaves");
}

LeafPool Cluster(int nodes, int gpus_per_node) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return LeafPool(mig::NodeInventory::Cluster(model, {nodes, gpus_per_node, 2},
                                              *mig::ParseLayout(model, "1g.5gb")));
}

TEST(PolicyTest, AJobStaysOnOneNodeUnlessItMayLeaveIt) {
  const LeafPool pool = Cluster(3, 2);
  AllocationRequest request;
  request.leaf_count = 15;
  EXPECT_EQ(Refusal(request, pool).message(),
            "15 leaves of one profile are more than a node has; the largest possible number is 14");
  request.max_nodes = 2;
  const auto chosen = Choose("first-fit", request, pool);
  ASSERT_EQ(chosen.size(), 15u);
  EXPECT_EQ(chosen.back(), 14);
  request.leaf_count = 29;
  EXPECT_EQ(Refusal(request, pool).message(),
            "29 leaves of one profile are more than 2 nodes have; the largest possible number is "
            "28");
  request.max_gpus = 2;
  EXPECT_EQ(Refusal(request, pool).code(), StatusCode::kInvalidArgument);
  request.max_nodes = 0;
  EXPECT_EQ(Refusal(request, pool).code(), StatusCode::kInvalidArgument);
}

TEST(PolicyTest, WhatIsLeftOfAWideJobGoesWhereItFitsTightest) {
  LeafPool pool = Cluster(4, 1);
  const LeafId used[] = {LeafId(7), LeafId(14), LeafId(15), LeafId(16)};  // 7, 6, 4 and 7 are free
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  AllocationRequest request;
  request.leaf_count = 10;
  request.max_nodes = 2;
  for (const std::string& name : PolicyNames()) {
    const auto chosen = Choose(name, request, pool);
    ASSERT_EQ(chosen.size(), 10u) << name;
    EXPECT_EQ(chosen[0], 0) << name;
    EXPECT_EQ(chosen[6], 6) << name;
    EXPECT_EQ(pool.leaf(LeafId(chosen[7])).gpu, mig::GpuIndex(2)) << name;
  }
  // 6 + 4 would do for 10, but 11 need 7 and 4.
  request.leaf_count = 21;
  EXPECT_EQ(Refusal(request, pool).code(), StatusCode::kInvalidArgument);
  request.max_nodes = 4;
  EXPECT_EQ(Choose("topo", request, pool).size(), 21u);
}

TEST(PolicyTest, TopoSpreadsHeavyJobsAndPacksLightOnes) {
  const LeafPool pool = Cluster(1, 8);
  AllocationRequest request;
  request.leaf_count = 4;
  EXPECT_EQ(Choose("topo", request, pool), (std::vector<int>{0, 7, 14, 21}));
  request.comm = Comm::kLight;
  EXPECT_EQ(Choose("topo", request, pool), (std::vector<int>{0, 1, 2, 3}));
}

TEST(PolicyTest, TopoAvoidsLinksThatOthersUse) {
  LeafPool pool = Cluster(1, 4);
  const LeafId heavy[] = {LeafId(0), LeafId(1), LeafId(7), LeafId(8)};
  const LeafId light[] = {LeafId(14), LeafId(15), LeafId(21), LeafId(22)};
  ASSERT_TRUE(pool.Lease(JobId("heavy"), heavy).ok());
  ASSERT_TRUE(pool.Lease(JobId("light"), light, Comm::kLight).ok());
  AllocationRequest request;
  request.leaf_count = 2;
  EXPECT_EQ(Choose("topo", request, pool), (std::vector<int>{16, 23}));
}

TEST(PolicyTest, RoundRobinGoesOnBehindTheLastLease) {
  LeafPool pool = Cluster(1, 4);
  EXPECT_EQ(Choose("round-robin", {2, {}, {}}, pool), (std::vector<int>{0, 7}));
  const LeafId used[] = {LeafId(14)};
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  EXPECT_EQ(Choose("round-robin", {2, {}, {}}, pool), (std::vector<int>{21, 0}));
  EXPECT_EQ(Choose("round-robin", {5, {}, {}}, pool), (std::vector<int>{21, 22, 0, 7, 15}));
}

TEST(PolicyTest, BestFitKeepsTheEmptierGpu) {
  LeafPool pool = Pool("4g.20gb:1,2g.10gb:1,1g.5gb:1", 2);
  const LeafId used[] = {LeafId(3)};  // the 4g of GPU 1
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  EXPECT_EQ(Choose("best-fit", {1, {}, {}, 2}, pool), (std::vector<int>{4}));
  EXPECT_EQ(Choose("first-fit", {1, {}, {}, 2}, pool), (std::vector<int>{1}));
}

TEST(PolicyTest, LargestFreeRunTakesTheEndOfARun) {
  LeafPool pool = Pool("1g.5gb", 1);
  const LeafId used[] = {LeafId(2)};  // runs of 2 and 4
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  EXPECT_EQ(Choose("largest-free-run", {1, {}, {}}, pool), (std::vector<int>{0}));
  EXPECT_EQ(Choose("largest-free-run", {3, {}, {}}, pool), (std::vector<int>{0, 1, 3}));
}

TEST(PolicyTest, MinFragExpectsWhatHasBeen) {
  LeafPool pool = Cluster(2, 1);
  // 7 and 5 are free. After many jobs of 5 the node with 5 is better kept.
  const LeafId used[] = {LeafId(7), LeafId(8)};
  ASSERT_TRUE(pool.Lease(JobId("a"), used).ok());
  for (int i = 0; i < 9; ++i) {
    const LeafId five[] = {LeafId(0), LeafId(1), LeafId(2), LeafId(3), LeafId(4)};
    ASSERT_TRUE(pool.Lease(JobId("b"), five).ok());
    ASSERT_TRUE(pool.Release(JobId("b")).ok());
  }
  EXPECT_EQ(Choose("min-frag", {2, {}, {}}, pool), (std::vector<int>{0, 1}));
  EXPECT_EQ(Choose("pack", {2, {}, {}}, pool), (std::vector<int>{9, 10}));
}

TEST(PolicyTest, OptionsOutOfRangeAreRefused) {
  PolicyOptions options;
  options.weights.frag = -1;
  EXPECT_EQ(MakePolicy("topo", options).status().message(),
            "the weight of frag is -1, not from 0 to 1000000");
  options = {};
  options.mix = RequestMix{{{0, {}, 1}}};
  EXPECT_EQ(MakePolicy("min-frag", options).status().code(), StatusCode::kInvalidArgument);
}

TEST(PolicyTest, ExplanationsMeasureWhatWasChosen) {
  const LeafPool pool = Cluster(1, 8);
  AllocationRequest request;
  request.leaf_count = 4;
  const auto packed = (*MakePolicy("pack"))->Explain(request, pool);
  ASSERT_TRUE(packed.ok());
  EXPECT_FALSE(packed->by_score);
  EXPECT_FALSE(packed->runner_up.has_value());
  EXPECT_EQ(packed->chosen.terms.link_load, 4);
  EXPECT_EQ(packed->chosen.terms.gpus_opened, 1);
  EXPECT_EQ(packed->chosen.terms.fragmentation, 3 * 4);  // 12/7 leaves
  EXPECT_EQ(packed->chosen.score, 400 * 7 + 40 * 12 + 30 * 7);
  const auto weighed = (*MakePolicy("topo"))->Explain(request, pool);
  ASSERT_TRUE(weighed.ok());
  EXPECT_TRUE(weighed->by_score);
  ASSERT_TRUE(weighed->runner_up.has_value());
  EXPECT_LT(weighed->chosen.score, packed->chosen.score);
  request.leaf_count = 57;
  EXPECT_EQ((*MakePolicy("topo"))->Explain(request, pool).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(PolicyTest, UnknownNamesListTheKnownOnes) {
  const auto policy = MakePolicy("best");
  EXPECT_EQ(policy.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(policy.status().message(),
            "no allocation policy 'best'; there are first-fit, pack, spread, round-robin, topo, "
            "min-frag, "
            "best-fit, largest-free-run");
}

}  // namespace
}  // namespace flexmig::alloc
