#include "flexmig/sweep/experiment.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::sweep {
namespace {

Setting Good() {
  Grid grid;
  grid.traces = {"generate:jobs=50,seed=3,sizes=openb-shared"};
  grid.policies = {"flexmig"};
  return SettingsOf(grid).front();
}

TEST(ExperimentTest, EqualSettingsGiveEqualResults) {
  Experiment experiment;
  const auto first = experiment.Run(Good());
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->summary.jobs_done, 50);
  const auto again = Experiment().Run(Good());
  EXPECT_EQ(RenderLine(Good(), *first), RenderLine(Good(), *again));
}

TEST(ExperimentTest, EverySeedResamplesAnew) {
  Experiment experiment;
  std::set<sched::Duration> makespans;
  Setting setting = Good();
  setting.cluster = "1";
  setting.resample = "blocks:10";
  for (setting.seed = 1; setting.seed <= 5; ++setting.seed) {
    const auto result = experiment.Run(setting);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    makespans.insert(result->summary.makespan);
  }
  EXPECT_EQ(makespans.size(), 5u);
}

TEST(ExperimentTest, NodesAreNotAPool) {
  Experiment experiment;
  Setting setting = Good();
  setting.trace = "generate:jobs=50,seed=3,gap=1s,sizes=0.5:1/1:1/2:1/3:1";
  setting.cluster = "2x2";
  const auto run = [&](const char* span) {
    setting.span_nodes = span;
    const auto result = experiment.Run(setting);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->summary : sim::Summary();
  };
  EXPECT_GT(run("no").jobs_left_out, 0);
  EXPECT_EQ(run("wide").jobs_left_out, 0);
  EXPECT_NE(run("wide").makespan, run("any").makespan);
  setting.multi_gpu = "fit";
  EXPECT_EQ(run("no").jobs_left_out, 0) << "for every policy, before";
  EXPECT_LT(run("no").jobs_done, run("wide").jobs_done);
}

TEST(ExperimentTest, EverySettingCounts) {
  Experiment experiment;
  const auto makespan = [&](const Setting& setting) {
    const auto result = experiment.Run(setting);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? result->summary.makespan : sched::Duration(-1);
  };
  Setting base = Good();
  base.cluster = "1";
  base.load = "1.5";
  const auto before = makespan(base);
  const auto changed = [&](std::string Setting::*field, const char* value) {
    Setting other = base;
    other.*field = value;
    EXPECT_NE(makespan(other), before) << value;
  };
  changed(&Setting::cluster, "2x1");
  changed(&Setting::load, "0.1");
  changed(&Setting::resample, "order");
  changed(&Setting::communication, "none");
  changed(&Setting::communication, "links:step=10ms");
  changed(&Setting::policy, "dynamic-partial");
  changed(&Setting::speed_class, "saturating");
  changed(&Setting::trace, "generate:jobs=50,seed=4,sizes=openb-shared");
  Setting partial = base;
  partial.policy = "dynamic-partial";
  Setting dear = partial;
  dear.costs = "10s,10s,";
  EXPECT_GT(makespan(dear), makespan(partial));
}

TEST(ExperimentTest, WrongPartsAreFoundBeforeAnyRun) {
  Experiment experiment;
  EXPECT_EQ(experiment.Check(Good()), OkStatus());
  const auto refused = [&](std::string Setting::*field, const char* value) {
    Setting other = Good();
    other.*field = value;
    EXPECT_FALSE(experiment.Check(other).ok()) << value;
  };
  refused(&Setting::trace, "no/such/file.csv");
  refused(&Setting::trace, "generate:jobs=x");
  refused(&Setting::model, "z9");
  refused(&Setting::cluster, "0");
  refused(&Setting::cluster, "8x");
  refused(&Setting::cluster, "1000x1000");
  refused(&Setting::cluster, "2x2x2");
  refused(&Setting::span_nodes, "yes");
  refused(&Setting::mapping, "none");
  refused(&Setting::multi_gpu, "some");
  refused(&Setting::resample, "blocks:0");
  refused(&Setting::load, "-1");
  refused(&Setting::speed_class, "fast");
  refused(&Setting::oversize, "");
  refused(&Setting::queue, "lifo");
  refused(&Setting::allocation, "best");
  refused(&Setting::communication, "2");
  refused(&Setting::costs, "1s,1s");
  refused(&Setting::costs, "1s,1s,x");
  refused(&Setting::policy, "magic");
}

}  // namespace
}  // namespace flexmig::sweep
