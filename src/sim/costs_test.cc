#include "flexmig/sim/costs.h"

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

mig::MigLayout Layout(std::string_view text, std::string_view board = "a100-40") {
  return *mig::ParseLayout(Board(board), text);
}

TEST(ReconfigurationCostsTest, TheSumOfWhatGoesAndWhatComes) {
  const ReconfigurationCosts costs;
  EXPECT_EQ(costs.Between(Board(), Layout("7g.40gb"), Layout("7x1g.5gb")),
            3600ms + 220ms + 7 * 160ms);
  EXPECT_EQ(costs.Between(Board(), {}, Layout("4g.20gb+3g.20gb")), 3600ms + 210ms + 200ms);
}

TEST(ReconfigurationCostsTest, EqualLayoutsCostNothing) {
  EXPECT_EQ(ReconfigurationCosts().Between(Board(), Layout("7x1g.5gb"), Layout("7x1g.5gb")), 0s);
  EXPECT_EQ(ReconfigurationCosts().Between(Board(), {}, {}), 0s);
}

TEST(ReconfigurationCostsTest, FixedCostsReplaceTheMeasuredOnes) {
  ReconfigurationCosts costs;
  costs.create = 1s;
  costs.destroy = 10s;
  costs.service_restart = 0s;
  EXPECT_EQ(costs.Between(Board(), Layout("7g.40gb"), Layout("4g.20gb+3g.20gb")), 12s);
}

TEST(ReconfigurationCostsTest, BoardsHaveTheirFamilysTimes) {
  const ReconfigurationCosts costs;
  EXPECT_EQ(costs.Between(Board("a30"), Layout("4g.24gb", "a30"), {}), 3700ms);
  EXPECT_EQ(costs.Between(Board("h100-80"), {}, Layout("7g.80gb", "h100-80")), 4020ms);
  EXPECT_EQ(costs.Describe(Board()),
            "create 0.16-0.24 s, destroy 0.20-0.22 s an instance (measured, A100), service restart "
            "3.6s");
  EXPECT_EQ(costs.Describe(Board("a30")),
            "create 0.11-0.13 s, destroy 0.10 s an instance (measured, A30), service restart 3.6s");
}

}  // namespace
}  // namespace flexmig::sim
