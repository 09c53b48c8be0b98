// The books notice what a broken scheduler, pool or scheme would do.

#include "invariants.h"

#include <gtest/gtest.h>

#include "schemes.h"
#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using mig::LeafId;
using namespace std::chrono_literals;

sched::TimePoint At(std::chrono::seconds time) { return sched::TimePoint(time); }

class InvariantsTest : public testing::Test {
 protected:
  // Two GPUs, each with a 7g leaf over a 1g leaf: ids 0 and 1 overlap, 2 and 3 too.
  static mig::NodeInventory Overlapping() {
    const mig::Profile& small = **Board().FindProfile("1g.5gb");
    mig::MigLayout both = WholeGpuLayout(Board());
    both.push_back({small.id, {3, small.memory_slices}});
    return NodesWith(Board(), 2, {both, both});
  }
  static std::string Message(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kInternal);
    return status.message();
  }
  const mig::NodeInventory inventory_ = Overlapping();
  Invariants books_{inventory_, 3};
};

TEST_F(InvariantsTest, ARunByTheRulesPasses) {
  const LeafId whole[] = {LeafId(0)};
  const LeafId small[] = {LeafId(1)};
  ASSERT_TRUE(books_.OnTime(At(1s)).ok());
  ASSERT_TRUE(books_.OnStart(0, whole).ok());
  ASSERT_TRUE(books_.OnReject(2).ok());
  ASSERT_TRUE(books_.OnReconfigure(mig::GpuIndex(1)).ok());
  ASSERT_TRUE(books_.OnTime(At(4s)).ok());
  ASSERT_TRUE(books_.OnFinish(0, 3s).ok());
  ASSERT_TRUE(books_.OnStart(1, small).ok());
  ASSERT_TRUE(books_.OnTime(At(5s)).ok());
  ASSERT_TRUE(books_.OnFinish(1, 1s).ok());
  EXPECT_TRUE(books_.OnEnd().ok());
  EXPECT_EQ(books_.HeldSlices(0), 7);
  EXPECT_EQ(books_.HeldSlices(1), 1);
}

TEST_F(InvariantsTest, AMemorySliceHeldTwiceIsNoticed) {
  const LeafId whole[] = {LeafId(2)};
  const LeafId small[] = {LeafId(3)};
  ASSERT_TRUE(books_.OnTime(At(1s)).ok());
  ASSERT_TRUE(books_.OnStart(0, small).ok());
  EXPECT_EQ(Message(books_.OnStart(1, whole)),
            "job at 1 is given memory slice 3 of GPU 1, which job at 0 holds");
}

TEST_F(InvariantsTest, TimeThatRunsBackwardsIsNoticed) {
  ASSERT_TRUE(books_.OnTime(At(2s)).ok());
  EXPECT_EQ(Message(books_.OnTime(At(1s))), "time runs backwards");
}

TEST_F(InvariantsTest, WorkThatIsNotDoneIsNoticed) {
  const LeafId whole[] = {LeafId(0)};
  ASSERT_TRUE(books_.OnTime(At(1s)).ok());
  ASSERT_TRUE(books_.OnStart(0, whole).ok());
  EXPECT_EQ(Message(books_.OnStart(0, whole)), "job at 0 is started a second time");
  EXPECT_EQ(Message(books_.OnReject(0)), "job at 0 is rejected after its start");
  EXPECT_EQ(Message(books_.OnReconfigure(mig::GpuIndex(0))),
            "GPU 0 is reconfigured under a running job");
  ASSERT_TRUE(books_.OnTime(At(2s)).ok());
  EXPECT_EQ(Message(books_.OnFinish(0, 2s)), "job at 0 ends without having run for its time");
  EXPECT_EQ(Message(books_.OnFinish(1, 0s)), "job at 1 ends without having run for its time");
  EXPECT_EQ(Message(books_.OnEnd()), "job at 0 was left waiting");
}

}  // namespace
}  // namespace flexmig::sim
