#include "flexmig/base/strings.h"

#include <gtest/gtest.h>

namespace flexmig {
namespace {

TEST(StringsTest, StrCatWritesNumbersInFull) {
  EXPECT_EQ(StrCat("a", 'b', 1, -2, 0.1, true), "ab1-20.1true");
  EXPECT_EQ(StrCat(INT64_MIN, "/", UINT64_MAX), "-9223372036854775808/18446744073709551615");
}

TEST(StringsTest, SplitKeepsEmptyPieces) {
  EXPECT_EQ(StrSplit("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(StrSplit("", ','), std::vector<std::string_view>{""});
}

TEST(StringsTest, ParseIntTakesTheWholeTextOrNothing) {
  EXPECT_EQ(*ParseInt("-12", -20, 20), -12);
  for (const auto* bad : {"", " 1", "1 ", "+1", "0x1", "1.0", "99999999999999999999", "21"}) {
    EXPECT_EQ(ParseInt(bad, -20, 20).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(StringsTest, ParseDoubleRefusesWhatIsNotFinite) {
  EXPECT_DOUBLE_EQ(*ParseDouble("0.81", 0, 1), 0.81);
  for (const auto* bad : {"", "nan", "inf", "1e999", "0.5x", "1.5"}) {
    EXPECT_FALSE(ParseDouble(bad, 0, 1).ok()) << bad;
  }
}

TEST(StringsTest, FormatFixedRoundsToNearest) {
  EXPECT_EQ(FormatFixed(2.0 / 3, 3), "0.667");
  EXPECT_EQ(FormatFixed(-0.5, 2), "-0.50");
  EXPECT_EQ(FormatFixed(1e300, 0).size(), 301u);
}

TEST(StringsTest, StripWhitespaceKeepsTheInside) {
  EXPECT_EQ(StripWhitespace(" \ta b\r\n"), "a b");
  EXPECT_EQ(StripWhitespace(" \n"), "");
}

}  // namespace
}  // namespace flexmig
