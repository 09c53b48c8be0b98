#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

std::string Attempt(std::string_view start, std::string_view end, std::string_view gpus) {
  const auto time = [](std::string_view text) {
    return text == "null" ? std::string(text) : StrCat("\"2017-10-07 ", text, "\"");
  };
  return StrCat(R"({"start_time":)", time(start), R"(,"end_time":)", time(end),
                R"(,"detail":[{"ip":"m1","gpus":[)", gpus, "]}]}");
}

std::string Job(std::string_view submitted, std::string_view attempts) {
  return StrCat(R"({"status":"Pass","vc":"v7","jobid":"application_1","user":"u3",)",
                R"("submitted_time":"2017-10-07 )", submitted, R"(","attempts":[)", attempts, "]}");
}

Result<Trace> Read(std::string_view jobs) {
  return ReadText(TraceFormat::kPhilly, StrCat("[\n", jobs, "\n]\n"));
}

std::string Refusal(std::string_view job) {
  return RefusalOf(TraceFormat::kPhilly, StrCat("[\n", job, "\n]"));
}

constexpr std::string_view kTwo = R"("gpu0","gpu1")";

TEST(PhillyTest, AttemptsAddUpAndTheLastSaysTheGpus) {
  const auto trace = Read(StrCat(Job("01:00:00", Attempt("01:00:30", "01:00:40", "\"gpu3\"") + "," +
                                                     Attempt("01:05:00", "01:06:00", kTwo)),
                                 ",", Job("00:59:00", Attempt("02:00:00", "02:00:07", kTwo))));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->jobs, (std::vector<JobRecord>{JobOf(1, 0s, 7s, 2, "u3", "v7", "Pass"),
                                                 JobOf(0, 60s, 70s, 2, "u3", "v7", "Pass")}));
  EXPECT_EQ(trace->moved, 1);
}

TEST(PhillyTest, WhatTheLogCannotSayIsLeftOut) {
  const auto trace =
      Read(StrCat(Job("01:00:00", ""), ",", Job("01:00:00", Attempt("01:00:00", "null", kTwo)), ",",
                  Job("01:00:00", Attempt("01:00:00", "01:01:00", kTwo) + "," +
                                      Attempt("01:02:00", "null", kTwo)),
                  ",", Job("01:00:00", Attempt("01:00:00", "01:01:00", "")), ",",
                  Job("01:00:00", Attempt("null", "01:00:30", kTwo) + "," +
                                      Attempt("01:01:00", "01:03:00", kTwo))));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->left_out,
            (std::map<std::string, int64_t>{
                {"has no recorded run", 2}, {"was still running", 1}, {"asks for no GPU", 1}}));
  ASSERT_EQ(trace->jobs.size(), 1U);
  EXPECT_EQ(trace->jobs[0].duration, 120s) << "an attempt without start is not counted";
  EXPECT_EQ(trace->rows, 5);
}

TEST(PhillyTest, ContradictionsAreRefused) {
  EXPECT_EQ(Refusal(Job("01:00:00", Attempt("01:00:30", "01:00:20", kTwo))),
            "t:2:1: expected attempts that end after they start");
  EXPECT_EQ(Refusal(Job("01:00:00", Attempt("01:00:00", "01:02:00", kTwo) + "," +
                                        Attempt("01:01:00", "01:03:00", kTwo))),
            "t:2:1: expected attempts one after the other, each start behind the end before");
  EXPECT_EQ(Refusal(Job("25:00:00", "")),
            "t:2:1: expected 'submitted_time' as a time such as 2017-10-07 01:11:39, found "
            "'2017-10-07 25:00:00'");
  EXPECT_EQ(Refusal("{}"),
            "t:2:1: expected 'status' as text without commas, quotes and control characters");
  EXPECT_EQ(Refusal(Job("01:00:00", "7")), "t:2:1: expected objects in 'attempts'");
}

TEST(PhillyTest, BrokenJsonIsRefusedWhereItBreaks) {
  EXPECT_EQ(Refusal("{\"a\":\n tru}"), "t:3:5: expected JSON");
  EXPECT_EQ(Refusal("{\"a\":1e999}"), "t:2:1: expected JSON with numbers in the range of a double");
  EXPECT_EQ(Refusal("{\"a\":\"\xff\"}").substr(0, 6), "t:2:7:");
  const std::string deep(100'000, '[');
  EXPECT_EQ(Refusal(StrCat("{\"a\":", deep, std::string(100'000, ']'), "}")),
            "t:2:1: expected 'status' as text without commas, quotes and control characters");
}

TEST(PhillyTest, ABadJobCanBeSkipped) {
  const std::string good = Job("01:00:00", Attempt("01:00:00", "01:01:00", kTwo));
  const auto trace = ReadText(TraceFormat::kPhilly, StrCat("[{\"a\":nul},", good, ",{}]"), true);
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->bad_rows, 2);
  ASSERT_EQ(trace->jobs.size(), 1U);
  EXPECT_EQ(trace->jobs[0].id, TraceJobId(1));
}

}  // namespace
}  // namespace flexmig::trace
