#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

// Job number, submit, run time, allocated, requested, status; user 3, queue 2.
std::string Line(std::string_view id, std::string_view submit, std::string_view run,
                 std::string_view allocated, std::string_view requested,
                 std::string_view status = "1") {
  return StrCat(id, " ", submit, " 5 ", run, " ", allocated, " -1 -1 ", requested, " -1 -1 ",
                status, " 3 -1 -1 2 -1 -1 -1\n");
}
std::string Refusal(std::string line) { return RefusalOf(TraceFormat::kSwf, std::move(line)); }

TEST(SwfTest, ProcessorsAreTakenForGpus) {
  const auto trace =
      ReadText(TraceFormat::kSwf, StrCat("; Version: 2.2\n;\n\n", Line("7", "0", "60", "4", "8"),
                                         "  ", Line("8", "1.5", "0", "4", "-1", "5")));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->jobs, (std::vector<JobRecord>{JobOf(7, 0s, 60s, 8, "3", "2", "completed"),
                                                 JobOf(8, 1500ms, 0s, 4, "3", "2", "cancelled")}));
}

TEST(SwfTest, UnknownsAndPartsAreLeftOut) {
  const auto trace = ReadText(
      TraceFormat::kSwf, StrCat(Line("1", "0", "-1", "4", "8"), Line("2", "0", "5", "-1", "-1"),
                                Line("3", "0", "5", "4", "4", "2")));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->left_out,
            (std::map<std::string, int64_t>{
                {"never ran", 1}, {"asks for no processor", 1}, {"is a part of another job", 1}}));
}

TEST(SwfTest, MalformedLinesAreRefusedAtTheirPlace) {
  EXPECT_EQ(Refusal("1 2 3\n"), "t:1:6: expected 18 numbers, found 3");
  EXPECT_EQ(Refusal(Line("1", "0", "5", "4", "4 4")),
            "t:1:45: expected the end of the line after 18 numbers");
  EXPECT_EQ(Refusal(Line("1", "0", "nan", "4", "4")), "t:1:7: expected a number, found 'nan'");
  EXPECT_EQ(Refusal(Line("1", "-2", "5", "4", "4")),
            "t:1:3: expected seconds: a number from 0 to 1000000000, found '-2'");
  EXPECT_EQ(Refusal(Line("1", "0", "5", "4", "0.5")),
            "t:1:17: expected processors: -1 or a whole number from 0 to 1000000, found '0.5'");
  EXPECT_EQ(Refusal(StrCat(Line("1", "0", "5", "4", "4"), Line("1", "9", "5", "4", "4"))),
            "t:2:1: expected a job id that occurs once, found '1' again");
}

}  // namespace
}  // namespace flexmig::trace
