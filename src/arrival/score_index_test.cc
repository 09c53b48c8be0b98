#include "flexmig/arrival/score_index.h"

#include <map>

#include <gtest/gtest.h>

#include "arrival_for_test.h"

namespace flexmig::arrival {
namespace {

// The first node with the best score, by asking all of them; -1 if none fits.
int ByAskingAll(const std::vector<NodeState>& nodes, const PodDemand& demand,
                const NodePolicy& policy) {
  int best = -1;
  int best_score = -1;
  for (size_t node = 0; node < nodes.size(); ++node) {
    if (!Fits(nodes[node], demand)) continue;
    const int score = policy.Score(nodes[node], demand);
    if (score > best_score) {
      best = static_cast<int>(node);
      best_score = score;
    }
  }
  return best;
}

TEST(ScoreIndexTest, FindsWhatAskingAllNodesFinds) {
  SplitMix64 random(11);
  for (const std::string_view name : PolicyNames()) {
    if (name == "random") continue;
    for (const int count : {1, 63, 64, 130}) {
      const Setting setting = RandomSetting(count, random);
      const Fragmentation fragmentation(setting);
      const auto policy = *MakePolicy(name, setting, fragmentation);
      std::vector<NodeState> nodes = setting.nodes;
      ScoreIndex index(nodes, setting.demands, *policy);
      int turned_away = 0;
      while (turned_away < 100) {
        const size_t pod = random.NextBelow(setting.demands.size());
        const PodDemand& demand = setting.demands[pod];
        const int node = index.Best(pod, random).value_or(-1);
        ASSERT_EQ(node, ByAskingAll(nodes, demand, *policy)) << name << " " << count;
        if (node < 0) {
          ++turned_away;
          continue;
        }
        NodeState& state = nodes[static_cast<size_t>(node)];
        Place(state, demand, demand.shares_gpu() ? policy->ChooseGpu(state, demand, random) : 0);
        index.NodeChanged(node);
      }
    }
  }
}

TEST(ScoreIndexTest, EqualNodesAreDrawnEquallyIfThePolicySaysSo) {
  const auto setting =
      MakeSetting(std::vector(70, Node(4, 8, 1, "T4")), std::vector{Pod(4, 8, 1, 1000)});
  const Fragmentation fragmentation(*setting);
  const auto policy = *MakePolicy("random", *setting, fragmentation);
  std::vector<NodeState> nodes = setting->nodes;
  ScoreIndex index(nodes, setting->demands, *policy);
  SplitMix64 random(3);
  // Nodes that are full are never drawn.
  for (int full = 0; full < 20; ++full) {
    const int node = *index.Best(0, random);
    Place(nodes[static_cast<size_t>(node)], setting->demands[0], 0);
    index.NodeChanged(node);
  }
  std::map<int, int> drawn;
  for (int i = 0; i < 50'000; ++i) ++drawn[*index.Best(0, random)];
  EXPECT_EQ(drawn.size(), 50U);
  for (const auto& [node, times] : drawn) {
    EXPECT_EQ(nodes[static_cast<size_t>(node)].gpu_milli[0], kGpuMilli);
    EXPECT_NEAR(times, 1000, 5 * 31.3) << "five standard deviations";
  }
}

}  // namespace
}  // namespace flexmig::arrival
