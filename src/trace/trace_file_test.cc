#include "flexmig/trace/trace_file.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"

#include "gzip_for_test.h"
#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

std::string Detected(std::string_view head) {
  const auto format = DetectTraceFormat(head, "t");
  return format.ok() ? std::string(TraceFormatName(*format)) : format.status().message();
}

TEST(TraceFormatTest, EveryNameIsReadBack) {
  for (const TraceFormat format : kAllTraceFormats) {
    EXPECT_EQ(*ParseTraceFormat(TraceFormatName(format)), format);
  }
  EXPECT_EQ(ParseTraceFormat("slurm").status().message(),
            "no trace format 'slurm'; there are csv, philly, helios, openb, pai, acme, swf");
}

TEST(TraceFormatTest, TheBeginningTellsTheFormat) {
  EXPECT_EQ(Detected(StrCat(kCsvHeader, "\n1,2")), "csv");
  EXPECT_EQ(Detected("\n [{\"status\""), "philly");
  EXPECT_EQ(Detected("job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,"
                     "end_time,duration,queue\r\n"),
            "helios");
  EXPECT_EQ(Detected("name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
                     "creation_time,deletion_time,scheduled_time\n"),
            "openb");
  EXPECT_EQ(Detected("job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,"
                     "plan_gpu,gpu_type\n"),
            "pai");
  EXPECT_EQ(Detected("job_id,user,num_cpu,num_gpu,duration,submit_time\n"), "pai");
  EXPECT_EQ(Detected("job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,"
                     "end_time\n"),
            "acme");
  EXPECT_EQ(Detected("; Version: 2.2\n"), "swf");
  EXPECT_EQ(Detected("  1 0 5 60 4 -1 -1 8 -1 -1 1 3 -1 -1 2 -1 -1 -1\n"), "swf");
}

TEST(TraceFormatTest, NoneAndSeveralAreRefused) {
  EXPECT_EQ(Detected("a,b\n"),
            "t:1:1: expected a trace in one of the formats csv, philly, helios, openb, pai, acme, "
            "swf, found 'a,b'");
  EXPECT_EQ(Detected(""),
            "t:1:1: expected a trace in one of the formats csv, philly, helios, openb, pai, acme, "
            "swf, found an empty file");
  EXPECT_EQ(Detected("gpu_num,vc,type,state,submit_time,start_time,end_time\n"),
            "t:1:1: the header fits several formats (helios, acme); say which with --trace-format");
}

TEST(ReadTraceTest, AnUnsortedFileIsSortedAndSaidToHaveBeen) {
  const auto trace = ReadTrace(FromMemory("user,num_gpu,duration,submit_time\n"
                                          "a,1,1,30\nb,1,1,10\nc,1,1,30\nd,1,1,20\n"),
                               "t", {});
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->format, TraceFormat::kPai);
  EXPECT_EQ(trace->moved, 2);
  std::string users;
  for (const JobRecord& job : trace->jobs) users += job.user;
  EXPECT_EQ(users, "bdac");
}

TEST(ReadTraceTest, OwnCsvStaysStrictAboutItsOrder) {
  const std::string text = StrCat(kCsvHeader, "\n1,5,1,1,1,,,,\n2,4,1,1,1,,,,\n3,6,1,1,1,,,,\n");
  EXPECT_EQ(RefusalOf(TraceFormat::kCsv, text),
            "t:3:3: expected a submit time not before the line above (a trace is sorted), found "
            "'4'");
  const auto trace = ReadText(TraceFormat::kCsv, text, true);
  ASSERT_TRUE(trace.ok());
  EXPECT_EQ(trace->jobs.size(), 2U);
  EXPECT_EQ(trace->bad_rows, 1);
}

TEST(ReadTraceTest, BadRowsAreCountedAndListedIfTheyAreToBeSkipped) {
  std::string text = "user,num_gpu,duration,submit_time\n";
  for (int i = 0; i < 1500; ++i) text += StrCat("a,1,-1,", i, "\nb,1,1,", i, "\n");
  text += "c,1,1,9";
  const auto trace = ReadText(TraceFormat::kPai, text, true);
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->rows, 3001);
  EXPECT_EQ(trace->jobs.size(), 1500U);
  EXPECT_EQ(trace->bad_rows, 1501);
  ASSERT_EQ(trace->bad_row_messages.size(), kMaxListedRows);
  EXPECT_EQ(trace->bad_row_messages[1],
            "t:4:5: expected seconds: a number from 0 to 1000000000 with at most 6 decimals, found "
            "'-1'");
}

TEST(ReadTraceTest, DamageIsNotSkipped) {
  const std::string zipped = Gzip("user,num_gpu,duration,submit_time\na,1,1,3\n");
  for (const size_t length : {zipped.size() - 1, zipped.size() - 9, size_t{12}}) {
    auto source = Decompressed(FromMemory(zipped.substr(0, length)), "t.gz");
    ASSERT_TRUE(source.ok());
    const auto trace = ReadTrace(*std::move(source), "t.gz", {TraceFormat::kPai, true});
    EXPECT_EQ(trace.status().code(), StatusCode::kDataLoss) << length;
  }
  EXPECT_EQ(ReadText(TraceFormat::kPhilly, "[{}", true).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ReadTraceTest, WhatIsReadCanBeWrittenAsOwnCsvAndIsTheSame) {
  const auto trace = ReadText(TraceFormat::kPai,
                              "user,num_gpu,duration,submit_time,gpu_type\n"
                              "a,0.25,1.000001,30,T4\nb,3,7,10,\n");
  ASSERT_TRUE(trace.ok());
  const auto text = WriteCsv(trace->jobs);
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(ReadText(TraceFormat::kCsv, *text)->jobs, trace->jobs);
}

}  // namespace
}  // namespace flexmig::trace
