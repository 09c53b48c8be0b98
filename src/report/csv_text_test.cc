#include "csv_text.h"

#include <gtest/gtest.h>

namespace flexmig::report {
namespace {

using namespace std::chrono_literals;

TEST(CsvTextTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvText("static:7g.40gb"), "static:7g.40gb");
  EXPECT_EQ(CsvText("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvText("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(CsvText("two\nlines"), "\"two\nlines\"");
}

TEST(CsvTextTest, SecondsAreExactAndShort) {
  EXPECT_EQ(CsvSeconds(0us), "0");
  EXPECT_EQ(CsvSeconds(90s), "90");
  EXPECT_EQ(CsvSeconds(500ms), "0.5");
  EXPECT_EQ(CsvSeconds(1us), "0.000001");
  EXPECT_EQ(CsvSeconds(1'000'000'000s + 10us), "1000000000.00001");
  EXPECT_EQ(CsvSeconds(-1us), "-0.000001");
  EXPECT_EQ(CsvSeconds(-1500ms), "-1.5");
}

TEST(CsvTextTest, NumbersHaveAtMostSixDecimals) {
  EXPECT_EQ(CsvNumber(0), "0");
  EXPECT_EQ(CsvNumber(1'000'000), "1000000");
  EXPECT_EQ(CsvNumber(1.0 / 3), "0.333333");
  EXPECT_EQ(CsvNumber(2.5), "2.5");
}

}  // namespace
}  // namespace flexmig::report
