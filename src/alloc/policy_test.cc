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

TEST(PolicyTest, UnknownNamesListTheKnownOnes) {
  const auto policy = MakePolicy("best");
  EXPECT_EQ(policy.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(policy.status().message(),
            "no allocation policy 'best'; there are first-fit, pack, spread");
}

}  // namespace
}  // namespace flexmig::alloc
