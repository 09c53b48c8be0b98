#include "decimal.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::trace {
namespace {

TEST(DecimalTest, MillionthsAreExact) {
  EXPECT_EQ(ParseMillionths("0", 10), 0);
  EXPECT_EQ(ParseMillionths("10", 10), 10'000'000);
  EXPECT_EQ(ParseMillionths("6082.14", 10'000), 6'082'140'000);
  EXPECT_EQ(ParseMillionths("0.000001", 1), 1);
  EXPECT_EQ(ParseMillionths("007.50", 10), 7'500'000);
}

TEST(DecimalTest, AnythingElseIsRefused) {
  for (const char* text :
       {"", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1 ", "1.0000001", "0x1", "1,5", "nan", "inf",
        "1.5.5", "10.000001", "11", "99999999999999999999"}) {
    EXPECT_EQ(ParseMillionths(text, 10), std::nullopt) << text;
  }
}

TEST(DecimalTest, FormattingIsShortAndReadsBack) {
  EXPECT_EQ(FormatMillionths(0), "0");
  EXPECT_EQ(FormatMillionths(500'000), "0.5");
  EXPECT_EQ(FormatMillionths(12'000'000), "12");
  EXPECT_EQ(FormatMillionths(1), "0.000001");
  SplitMix64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<int64_t>(random.Next() >> (random.NextBelow(50) + 14));
    EXPECT_EQ(ParseMillionths(FormatMillionths(value), int64_t{1'000'000'000'000}), value);
  }
}

}  // namespace
}  // namespace flexmig::trace
