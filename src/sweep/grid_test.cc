#include "flexmig/sweep/grid.h"

#include <set>

#include <gtest/gtest.h>

namespace flexmig::sweep {
namespace {

Grid Small() {
  Grid grid;
  grid.traces = {"a.csv", "b.csv"};
  grid.loads = {"0.8", "1.3"};
  grid.seeds = {1, 2, 3};
  grid.communications = {"none", "0.9"};
  grid.policies = {"exclusive", "dynamic-drain", "flexmig"};
  return grid;
}

TEST(GridTest, EveryRunOccursOnce) {
  const auto settings = SettingsOf(Small());
  // exclusive and dynamic-drain do not depend on communication, flexmig does.
  EXPECT_EQ(settings.size(), 2u * 2 * 3 * (2 + 2));
  EXPECT_EQ(std::set<Setting>(settings.begin(), settings.end()).size(), settings.size());
}

TEST(GridTest, OneNodeDoesNotDependOnWhoSpansNodes) {
  Grid grid = Small();
  const size_t once = SettingsOf(grid).size();
  grid.clusters = {"16", "2x8"};
  grid.span_nodes = {"no", "wide", "any"};
  const auto settings = SettingsOf(grid);
  EXPECT_EQ(settings.size(), once * (1 + 3));
  for (const Setting& setting : settings) {
    EXPECT_EQ(setting.span_nodes.empty(), setting.cluster == "16");
  }
}

TEST(GridTest, WhatAPolicyDoesNotDependOnIsEmpty) {
  Grid grid = Small();
  grid.costs = {"", "0s,0s,1min"};
  for (const Setting& setting : SettingsOf(grid)) {
    EXPECT_EQ(setting.communication.empty(), setting.policy != "flexmig");
    EXPECT_EQ(setting.allocation.empty(), setting.policy != "flexmig");
    EXPECT_TRUE(setting.costs.empty() || setting.policy == "dynamic-drain");
  }
}

TEST(GridTest, RunsOverOneWorkloadFollowOneAnother) {
  std::set<std::pair<Setting, uint64_t>> done;
  std::pair<Setting, uint64_t> at;
  for (const Setting& setting : SettingsOf(Small())) {
    const std::pair now(WorkloadOf(setting), setting.seed);
    if (now == at) continue;
    EXPECT_TRUE(done.insert(now).second) << "a workload that was left is come back to";
    at = now;
  }
}

}  // namespace
}  // namespace flexmig::sweep
