#include "curve.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace flexmig::char_lm {
namespace {

TEST(CurveTest, DrawsAFallingLineFromCornerToCorner) {
  std::vector<double> losses(40);
  for (size_t i = 0; i < losses.size(); ++i) {
    losses[i] = 19 - std::floor(static_cast<double>(i) / 2);  // two steps a column
  }
  EXPECT_EQ(DrawCurve(losses, 20, 5),
            "loss [nats/char]\n"
            "   19.00 |***\n"
            "         |   *****\n"
            "         |        ****\n"
            "    4.75 |            *****\n"
            "    0.00 |                 ***\n"
            "         +--------------------\n"
            "          1            step 40\n");
}

TEST(CurveTest, FewerStepsThanColumnsUseOneColumnEach) {
  EXPECT_EQ(DrawCurve(std::vector<double>{2, 1}, 20, 2),
            "loss [nats/char]\n"
            "    2.00 |*\n"
            "    1.00 | *\n"
            "         +--------------------\n"
            "          1 step 2\n");
}

TEST(CurveTest, ConstantLossesAreOneLine) {
  const std::vector<double> losses(7, 3.0);
  EXPECT_NE(DrawCurve(losses, 20, 3).find("3.00 |*******\n"), std::string::npos);
}

}  // namespace
}  // namespace flexmig::char_lm
