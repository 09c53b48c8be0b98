#include "flexmig/trace/duration_text.h"

#include <gtest/gtest.h>

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

TEST(DurationTextTest, EveryUnitIsRead) {
  EXPECT_EQ(*ParseDuration("7us"), 7us);
  EXPECT_EQ(*ParseDuration("250ms"), 250ms);
  EXPECT_EQ(*ParseDuration("3.6s"), 3600ms);
  EXPECT_EQ(*ParseDuration("0s"), 0s);
  EXPECT_EQ(*ParseDuration("1.5min"), 90s);
  EXPECT_EQ(*ParseDuration("2h"), 120min);
  EXPECT_EQ(*ParseDuration("0.25h"), 15min);
  EXPECT_EQ(*ParseDuration("1000000000s"), 1'000'000'000s);
}

TEST(DurationTextTest, ABareNumberIsNotGuessed) {
  for (const char* text : {"", "5", "s", "-1s", "1.5", "0.5us", "1.0005ms5", "5 s", "1d",
                           "1000000001s", "1e3s", "999999999h", "0.0000001s"}) {
    const auto duration = ParseDuration(text);
    EXPECT_EQ(duration.status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseDuration("5").status().message(),
            "'5' is not a duration such as 250ms, 3.6s, 10min or 2h");
}

TEST(DurationTextTest, FormattedDurationsReadBack) {
  for (const sched::Duration duration : {sched::Duration(0), sched::Duration(1),
                                         sched::Duration(3'600'000), sched::Duration(86'400s)}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration);
  }
  EXPECT_EQ(FormatDuration(3600ms), "3.6s");
}

}  // namespace
}  // namespace flexmig::trace
