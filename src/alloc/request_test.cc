#include "flexmig/alloc/request.h"

#include <cmath>

#include <gtest/gtest.h>

#include "flexmig/mig/layout.h"

namespace flexmig::alloc {
namespace {

mig::NodeInventory Node(std::string_view key, std::string_view layout) {
  const mig::GpuModel& model = **mig::FindGpuModel(key);
  return mig::NodeInventory::Uniform(model, 1, *mig::ParseLayout(model, layout));
}

TEST(LeavesLikeTest, ReachesSmsAndMemory) {
  const auto a100 = Node("a100-40", "1g.5gb");
  EXPECT_EQ(*LeavesLike(a100, "3g.20gb", {}), 5) << "memory decides: 19.62 GiB on 4.75 GiB leaves";
  EXPECT_EQ(*LeavesLike(a100, "4g.20gb", {}), 5);
  EXPECT_EQ(*LeavesLike(a100, "2g.10gb", {}), 3);
  EXPECT_EQ(*LeavesLike(a100, "1g.5gb", {}), 1);
  const auto h100 = Node("h100-80", "1g.10gb");
  EXPECT_EQ(*LeavesLike(h100, "1g.20gb", {}), 3) << "26 SMs need 2 leaves, 19.62 GiB need 3";
  EXPECT_EQ(*LeavesLike(h100, "7g.80gb", {}), 9) << "more than one GPU: 132 SMs on leaves of 16";
}

TEST(LeavesLikeTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(LeavesLike(Node("b200", "1g.23gb"), "3g.90gb", {}).status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(LeavesLike(Node("a30", "1g.6gb"), "3g.20gb", {}).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(LeavesLike(mig::NodeInventory{}, "1g.5gb", {}).status().code(), StatusCode::kNotFound);
}

TEST(LeavesForGpuFractionTest, RoundsUpToWholeSlices) {
  const auto a100 = Node("a100-40", "1g.5gb");
  EXPECT_EQ(*LeavesForGpuFraction(a100, 0.81, {}), 6);
  EXPECT_EQ(*LeavesForGpuFraction(a100, 1.0, {}), 7);
  EXPECT_EQ(*LeavesForGpuFraction(a100, 3.0 / 7, {}), 3);
  EXPECT_EQ(*LeavesForGpuFraction(a100, 0.001, {}), 1);
  EXPECT_EQ(*LeavesForGpuFraction(a100, 2.0, {}), 14);
  EXPECT_EQ(*LeavesForGpuFraction(Node("a100-40", "2g.10gb"), 0.81, {}), 3);
  EXPECT_EQ(*LeavesForGpuFraction(Node("rtx-pro-6000", "1g.24gb"), 0.5, {}), 2);
}

TEST(LeavesForGpuFractionTest, SharesOutOfRangeAreRefused) {
  const auto a100 = Node("a100-40", "1g.5gb");
  for (const double share : {0.0, -0.5, 65.0, std::nan("")}) {
    EXPECT_EQ(LeavesForGpuFraction(a100, share, {}).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(LeavesForGpuFractionTest, AMemoryFloorAboveAllLeavesNamesTheLargest) {
  const auto count = LeavesForGpuFraction(Node("a100-40", "1g.5gb"), 0.5, Bytes::GiB(14));
  EXPECT_EQ(count.status().message(), "no leaf has 14.00 GiB; the largest is 1g.5gb with 4.75 GiB");
}

TEST(CommTest, NamesReadBack) {
  for (const Comm comm : {Comm::kHeavy, Comm::kLight}) EXPECT_EQ(*ParseComm(CommName(comm)), comm);
  EXPECT_EQ(ParseComm("loud").status().message(), "'loud' is neither heavy nor light");
}

}  // namespace
}  // namespace flexmig::alloc
