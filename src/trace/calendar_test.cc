#include "calendar.h"

#include <gtest/gtest.h>

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

sched::TimePoint At(sched::Duration since_2000) { return sched::TimePoint(since_2000); }

TEST(CalendarTest, TimesCountFromTheYear2000) {
  EXPECT_EQ(ParseLocalTime("2000-01-01 00:00:00"), At(0s));
  EXPECT_EQ(ParseLocalTime("2000-03-01 00:00:01.5"), At(60 * 24h + 1500ms)) << "a leap year";
  EXPECT_EQ(ParseLocalTime("2001-01-01 23:59:59"), At(367 * 24h - 1s));
  EXPECT_EQ(*ParseLocalTime("2017-10-09 06:53:12") - *ParseLocalTime("2017-10-07 01:13:30"),
            2 * 24h + 5h + 39min + 42s);
}

TEST(CalendarTest, OffsetsAreTakenOff) {
  EXPECT_EQ(ParseZonedTime("2023-03-01 00:18:22+08:00"), ParseLocalTime("2023-02-28 16:18:22"));
  EXPECT_EQ(ParseZonedTime("2023-03-01 00:18:22.25-07:30"),
            ParseLocalTime("2023-03-01 07:48:22.25"));
}

TEST(CalendarTest, WhatIsNoTimeIsRefused) {
  for (const char* text : {"",
                           "2020-06-09",
                           "2020-06-09 18:41",
                           "2020-6-9 18:41:01",
                           "2020-02-30 00:00:00",
                           "2020-13-01 00:00:00",
                           "2020-00-01 00:00:00",
                           "2020-06-09 24:00:00",
                           "2020-06-09 18:60:00",
                           "2020-06-09 18:41:60",
                           "2020-06-09 18:41:1",
                           "2020-06-09 18:41:01 ",
                           "2020-06-09T18:41:01",
                           "1999-12-31 23:59:59",
                           "2031-01-01 00:00:00",
                           "2020-06-09 18:41:01.",
                           "-020-06-09 18:41:01",
                           "2020-06-09 18:41:01.1234567",
                           "NaN",
                           "2020-06-09 18:41:+1"}) {
    EXPECT_EQ(ParseLocalTime(text), std::nullopt) << text;
    EXPECT_EQ(ParseZonedTime(std::string(text) + "+08:0"), std::nullopt) << text;
  }
  for (const char* offset : {"", "Z", "+0800", "+08:60", "+15:00", "*08:00", "+8:000"}) {
    EXPECT_EQ(ParseZonedTime(std::string("2020-06-09 18:41:01") + offset), std::nullopt) << offset;
  }
}

}  // namespace
}  // namespace flexmig::trace
