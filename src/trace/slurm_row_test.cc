// Helios and Acme.

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHelios =
    "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,"
    "queue\n";
constexpr std::string_view kAcme =
    "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,"
    "queue,gpu_time\n";

std::string Helios(std::string_view gpus, std::string_view times) {
  return StrCat("9,uA,vcB,", gpus, ",4,1,COMPLETED,", times, ",0,0\n");
}
std::string HeliosRefusal(std::string_view gpus, std::string_view times) {
  return RefusalOf(TraceFormat::kHelios, StrCat(kHelios, Helios(gpus, times)));
}

TEST(HeliosTest, RunTimeIsEndMinusStart) {
  const auto trace = ReadText(
      TraceFormat::kHelios,
      StrCat(kHelios, Helios("4", "2020-06-09 18:41:30,2020-06-09 18:42:00,2020-06-10 18:42:05"),
             Helios("1", "2020-06-09 18:41:00,2020-06-09 18:41:00,2020-06-09 18:41:00")));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->jobs,
            (std::vector<JobRecord>{JobOf(1, 0s, 0s, 1, "uA", "vcB", "COMPLETED"),
                                    JobOf(0, 30s, 24h + 5s, 4, "uA", "vcB", "COMPLETED")}));
  EXPECT_EQ(trace->moved, 1);
}

TEST(HeliosTest, JobsWithoutGpusOrTimesAreLeftOut) {
  constexpr std::string_view kSubmit = "2020-06-09 18:41:30";
  const auto trace = ReadText(
      TraceFormat::kHelios,
      StrCat(kHelios, Helios("0", StrCat(kSubmit, ",", kSubmit, ",", kSubmit)),
             Helios("2", StrCat(kSubmit, ",None,None")), Helios("2.0", StrCat(kSubmit, ",,")),
             Helios("2", StrCat(kSubmit, ",", kSubmit, ","))));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_TRUE(trace->jobs.empty());
  EXPECT_EQ(trace->left_out, (std::map<std::string, int64_t>{
                                 {"asks for no GPU", 1}, {"never ran", 2}, {"has no end", 1}}));
}

TEST(HeliosTest, ContradictionsAreRefusedAtTheirColumn) {
  constexpr std::string_view kGood = "2020-06-09 18:41:30,2020-06-09 18:42:00,2020-06-09 18:43:00";
  for (const char* gpus : {"-1", "1.5", "NaN", "1e2", "1000001", "99999999999999999999", ""}) {
    EXPECT_EQ(
        HeliosRefusal(gpus, kGood),
        StrCat("t:2:10: expected a whole number of GPUs from 0 to 1000000, found '", gpus, "'"));
  }
  EXPECT_EQ(HeliosRefusal("1", "2020-06-09 18:41:30,2020-06-09 18:41:29,2020-06-09 18:43:00"),
            "t:2:46: expected a start not before the submission, found '2020-06-09 18:41:29'");
  EXPECT_EQ(HeliosRefusal("1", "2020-06-09 18:41:30,2020-06-09 18:42:00,2020-06-09 18:41:59"),
            "t:2:66: expected an end not before the start, found '2020-06-09 18:41:59'");
  EXPECT_EQ(HeliosRefusal("1", "yesterday,2020-06-09 18:42:00,2020-06-09 18:43:00"),
            "t:2:26: expected a time such as 2020-06-09 18:41:01, found 'yesterday'");
}

TEST(AcmeTest, OffsetsCountAndDurationIsNotTheColumn) {
  const auto trace =
      ReadText(TraceFormat::kAcme,
               StrCat(kAcme,
                      "1,u1,1,8,128,Pretrain,FAILED,2023-03-01 00:18:22+08:00,2023-03-01 "
                      "00:18:54+08:00,2023-03-01 00:20:51+08:00,117,32,936.0\n",
                      "dlc,u2,1,16,128,Other,COMPLETED,2023-02-28 16:19:22+00:00,2023-02-28 "
                      "16:19:32+00:00,2023-02-28 16:19:40+00:00,18,10.0,288.0\n"));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->jobs,
            (std::vector<JobRecord>{JobOf(0, 0s, 117s, 8, "u1", "Pretrain", "FAILED"),
                                    JobOf(1, 60s, 8s, 16, "u2", "Other", "COMPLETED")}));
}

TEST(AcmeTest, ATimeWithoutOffsetIsRefused) {
  EXPECT_EQ(RefusalOf(TraceFormat::kAcme,
                      StrCat(kAcme, "1,u1,1,8,1,Other,FAILED,2023-03-01 00:18:22,,,1,1,1\n")),
            "t:2:25: expected a time such as 2023-03-01 00:18:22+08:00, found '2023-03-01 "
            "00:18:22'");
}

}  // namespace
}  // namespace flexmig::trace
