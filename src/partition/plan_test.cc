#include "flexmig/partition/plan.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::partition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = Step::Kind;

const mig::GpuModel& Model(std::string_view key) { return **mig::FindGpuModel(key); }

mig::PlacedProfile Place(const mig::GpuModel& model, std::string_view name, int start) {
  const mig::Profile& profile = **model.FindProfile(name);
  return {profile.id, {start, profile.memory_slices}};
}

// A GPU with MIG on and these instances, all made here, each with its compute instance.
ObservedGpu GpuWith(const mig::GpuModel& model, mig::MigLayout layout) {
  ObservedGpu gpu;
  gpu.status.model = &model;
  gpu.status.mig_enabled = gpu.status.mig_enabled_pending = true;
  std::ranges::sort(layout);
  for (const auto& placed : layout) {
    ObservedInstance& instance = gpu.instances.emplace_back();
    instance.id = simhw::MakeGpuInstanceId(model, placed.placement);
    instance.placed = placed;
    instance.device = hw::MigDevice{
        mig::MigUuid(StrCat("MIG-", placed.placement.start)), instance.id, {}, placed};
    instance.created_here = true;
  }
  return gpu;
}

GpuPlan Plan(const ObservedGpu& present, mig::ProfileCounts counts, bool force = false) {
  auto plan = PlanGpu(present, {present.status.index, true, std::move(counts)}, force);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? std::move(plan).value() : GpuPlan();
}

std::vector<std::string> Reasons(const GpuPlan& plan) {
  std::vector<std::string> reasons;
  for (const Blocker& blocker : plan.blockers) reasons.push_back(blocker.what);
  return reasons;
}

class PlanTest : public ::testing::Test {
 protected:
  const mig::GpuModel& a100_ = Model("a100-40");
  const mig::PlacedProfile upper_ = Place(a100_, "3g.20gb", 4);
  const mig::PlacedProfile lower_ = Place(a100_, "3g.20gb", 0);
  const mig::PlacedProfile small0_ = Place(a100_, "1g.5gb", 0);
  const mig::PlacedProfile small5_ = Place(a100_, "1g.5gb", 5);
};

TEST_F(PlanTest, AFreshGpuIsSwitchedOnAndFilledAlongItsPlacements) {
  ObservedGpu gpu = GpuWith(a100_, {});
  gpu.status.mig_enabled = gpu.status.mig_enabled_pending = false;
  const GpuPlan plan = Plan(gpu, {{"1g.5gb", 7}});
  ASSERT_EQ(plan.steps.size(), 15U);
  EXPECT_EQ(plan.steps[0].kind, Kind::kEnableMig);
  for (size_t i = 0; i < 7; ++i) {
    const auto placed = Place(a100_, "1g.5gb", static_cast<int>(i));
    const size_t at = 1 + 2 * i;
    EXPECT_EQ(plan.steps[at], (Step{Kind::kCreateGpuInstance, placed}));
    EXPECT_EQ(plan.steps[at + 1], (Step{Kind::kCreateComputeInstance, placed}));
  }
  EXPECT_EQ(plan.price.sms, 98);
  EXPECT_EQ(plan.price.total_sms, 108);
}

TEST_F(PlanTest, WhatFitsAlreadyStays) {
  const GpuPlan plan = Plan(GpuWith(a100_, {upper_, small0_}), {{"3g.20gb", 1}, {"1g.5gb", 2}});
  EXPECT_EQ(plan.kept, 2);
  EXPECT_THAT(plan.steps,
              ElementsAre(Step{Kind::kCreateGpuInstance, Place(a100_, "1g.5gb", 1)},
                          Step{Kind::kCreateComputeInstance, Place(a100_, "1g.5gb", 1)}));
  EXPECT_THAT(Plan(GpuWith(a100_, {upper_}), {{"3g.20gb", 1}}).steps, IsEmpty());
}

TEST_F(PlanTest, DestroysFirstAndFromTheInsideOut) {
  const GpuPlan plan = Plan(GpuWith(a100_, {lower_}), {{"4g.20gb", 1}});
  const auto wanted = Place(a100_, "4g.20gb", 0);
  EXPECT_THAT(plan.steps, ElementsAre(Step{Kind::kDestroyComputeInstance, lower_},
                                      Step{Kind::kDestroyGpuInstance, lower_},
                                      Step{Kind::kCreateGpuInstance, wanted},
                                      Step{Kind::kCreateComputeInstance, wanted}));
}

TEST_F(PlanTest, AnInstanceWithoutComputeInstanceIsRepairedOrRemoved) {
  ObservedGpu gpu = GpuWith(a100_, {small5_});
  gpu.instances[0].device.reset();
  EXPECT_THAT(Plan(gpu, {{"1g.5gb", 1}}).steps,
              ElementsAre(Step{Kind::kCreateComputeInstance, small5_}));
  EXPECT_THAT(Plan(gpu, {}).steps, ElementsAre(Step{Kind::kDestroyGpuInstance, small5_}));
}

TEST_F(PlanTest, MigIsSwitchedOffAfterTheLastInstance) {
  const auto plan = PlanGpu(GpuWith(a100_, {small0_}), {mig::GpuIndex(0), false, {}}, false);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->steps,
              ElementsAre(Step{Kind::kDestroyComputeInstance, small0_},
                          Step{Kind::kDestroyGpuInstance, small0_}, Step{Kind::kDisableMig, {}}));
  EXPECT_EQ(plan->price.sms, 108);
}

TEST_F(PlanTest, APendingSwitchIsASwitchStillToBeMade) {
  ObservedGpu gpu = GpuWith(a100_, {});
  gpu.status.mig_enabled = false;
  EXPECT_THAT(Plan(gpu, {}).steps, ElementsAre(Step{Kind::kEnableMig, {}}));
  const auto off = PlanGpu(gpu, {mig::GpuIndex(0), false, {}}, false);
  EXPECT_THAT(off->steps, ElementsAre(Step{Kind::kDisableMig, {}}));
}

TEST_F(PlanTest, WhatIsInUseDecidesWhereTheRestGoes) {
  // Both halves hold a 3g, one of them may stay: the one that works.
  ObservedGpu gpu = GpuWith(a100_, {lower_, upper_});
  gpu.instances[1].processes = {4711};
  const GpuPlan plan = Plan(gpu, {{"3g.20gb", 1}});
  EXPECT_THAT(plan.target, ElementsAre(upper_));
  EXPECT_THAT(plan.blockers, IsEmpty());
}

TEST_F(PlanTest, NothingInUseIsEverDestroyed) {
  ObservedGpu gpu = GpuWith(a100_, {small0_, small5_});
  gpu.instances[0].processes = {12, 4711};
  gpu.instances[1].holder = "job 7f3a";
  for (const bool force : {false, true}) {
    const GpuPlan plan = Plan(gpu, {{"7g.40gb", 1}}, force);
    EXPECT_THAT(Reasons(plan), ElementsAre("1g.5gb at 0:1 is in use by processes 12, 4711",
                                           "1g.5gb at 5:1 is leased by job 7f3a"));
  }
}

TEST_F(PlanTest, WhatOthersCreatedGoesByForceOnly) {
  ObservedGpu gpu = GpuWith(a100_, {small0_});
  gpu.instances[0].created_here = false;
  EXPECT_THAT(Reasons(Plan(gpu, {{"7g.40gb", 1}})),
              ElementsAre("1g.5gb at 0:1 was not created by flexmig"));
  EXPECT_THAT(Plan(gpu, {{"7g.40gb", 1}}, true).blockers, IsEmpty());
  EXPECT_THAT(Plan(gpu, {{"1g.5gb", 7}}).blockers, IsEmpty());  // it stays
}

TEST_F(PlanTest, WholeGpuProcessesBlockTheSwitch) {
  ObservedGpu gpu = GpuWith(a100_, {});
  gpu.status.mig_enabled = gpu.status.mig_enabled_pending = false;
  gpu.whole_gpu_processes = {99};
  EXPECT_THAT(Reasons(Plan(gpu, {{"1g.5gb", 7}})), ElementsAre("the GPU is in use by process 99"));
  const auto off = PlanGpu(gpu, {mig::GpuIndex(0), false, {}}, false);
  EXPECT_TRUE(off->steps.empty() && off->blockers.empty());
}

TEST_F(PlanTest, ALayoutThatCannotBeIsAnError) {
  const ObservedGpu gpu = GpuWith(a100_, {});
  EXPECT_EQ(PlanGpu(gpu, {mig::GpuIndex(0), true, {{"9g.1gb", 1}}}, false).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(PlanGpu(gpu, {mig::GpuIndex(0), true, {{"3g.20gb", 3}}}, false).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PlanTest, TheNodeKnowsItsDoomedLeaves) {
  NodePlan node;
  node.gpus.push_back(Plan(GpuWith(a100_, {upper_, small0_}), {{"3g.20gb", 1}}));
  EXPECT_FALSE(node.is_done() || node.is_blocked());
  EXPECT_THAT(node.doomed_leaves(), ElementsAre(mig::MigUuid("MIG-0")));
}

// Random GPUs and wishes on every board: the target is legal, has the wanted counts, and no legal
// layout with these counts is worth more.
TEST(PlanPropertyTest, NoArrangementKeepsMore) {
  for (const auto& model : mig::AllGpuModels()) {
    std::vector<mig::MigLayout> layouts;
    mig::EnumerateLayouts(
        model, [](const mig::Profile& p) { return p.media == mig::MediaEngines::kDefault; },
        [&](std::span<const mig::PlacedProfile> layout) {
          layouts.emplace_back(layout.begin(), layout.end());
        });
    SplitMix64 random(model.profiles.size());
    for (int round = 0; round < 60; ++round) {
      ObservedGpu gpu = GpuWith(model, layouts[random.NextBelow(layouts.size())]);
      for (ObservedInstance& instance : gpu.instances) {
        if (random.NextBelow(3) == 0) instance.processes = {1};
        instance.created_here = random.NextBelow(2) == 0;
      }
      const bool force = random.NextBelow(2) == 0;
      const auto worth = [&](const mig::MigLayout& layout) {
        std::tuple<int, int, int> sum;
        for (const ObservedInstance& instance : gpu.instances) {
          if (std::ranges::count(layout, instance.placed) == 0) continue;
          std::get<0>(sum) += instance.processes.empty() ? 0 : 1;
          std::get<1>(sum) += !instance.created_here && !force ? 1 : 0;
          std::get<2>(sum) += 1;
        }
        return sum;
      };
      const auto counts = CountProfiles(model, layouts[random.NextBelow(layouts.size())]);
      const GpuPlan plan = Plan(gpu, counts, force);
      EXPECT_TRUE(mig::CheckLayout(model, plan.target).ok());
      EXPECT_EQ(CountProfiles(model, plan.target), counts);
      for (const mig::MigLayout& other : layouts) {
        if (CountProfiles(model, other) != counts) continue;
        EXPECT_LE(worth(other), worth(plan.target));
      }
    }
  }
}

TEST(DescribeStepTest, NamesProfileAndPlace) {
  const mig::GpuModel& model = Model("rtx-pro-6000");
  const Step step{Kind::kDestroyComputeInstance, Place(model, "1g.24gb+me", 9)};
  EXPECT_EQ(DescribeStep(model, step), "destroy compute instance of 1g.24gb+me at 9:3");
  const Step unknown{Kind::kDestroyGpuInstance, {mig::ProfileId(77), {0, 2}}};
  EXPECT_THAT(DescribeStep(model, unknown), HasSubstr("profile 77 at 0:2"));
}

TEST_F(PlanTest, AnExactLayoutIsTakenPlaceByPlace) {
  const ObservedGpu gpu = GpuWith(a100_, {lower_});
  DesiredGpu desired{gpu.status.index, true, {{"3g.20gb", 1}}};
  EXPECT_THAT(PlanGpu(gpu, desired, false)->steps, IsEmpty());
  desired.exact = mig::MigLayout{upper_};
  const auto plan = PlanGpu(gpu, desired, false);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_EQ(plan->target, *desired.exact);
  EXPECT_EQ(plan->steps.size(), 4U);
  desired.exact = mig::MigLayout{small0_, lower_};
  EXPECT_EQ(PlanGpu(gpu, desired, false).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(PlanTest, ABoardWithoutMigCanBeLeftOffButNotSwitchedOn) {
  mig::GpuModel plain;
  plain.product = "NVIDIA T4";
  plain.total_sms = 40;
  ObservedGpu gpu;
  gpu.status.model = &plain;
  const auto off = PlanGpu(gpu, {gpu.status.index, false, {}}, false);
  ASSERT_TRUE(off.ok()) << off.status().ToString();
  EXPECT_THAT(off->steps, IsEmpty());
  EXPECT_EQ(off->price.sms, 40);
  const Status on = PlanGpu(gpu, {gpu.status.index, true, {}}, false).status();
  EXPECT_EQ(on.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(on.message(), "NVIDIA T4 has no MIG");
}

}  // namespace
}  // namespace flexmig::partition
