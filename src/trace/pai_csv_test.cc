#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTasks =
    "job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,plan_gpu,gpu_type\n";

std::string Refusal(std::string_view lines) {
  return RefusalOf(TraceFormat::kPai, StrCat(kTasks, lines));
}

TEST(PaiTest, ATaskIsAJobOnAllItsInstances) {
  const auto trace = ReadText(
      TraceFormat::kPai, StrCat(kTasks, "j1,worker,3.0,Terminated,100.0,160.5,600.0,29.2,25.0,T4\n",
                                "j1,ps,1.0,Failed,90.0,90.0,600.0,29.2,250.0,MISC\n"));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  JobRecord shared = JobOf(0, 100s, 60'500ms, 3, "", "T4", "Terminated");
  shared.demand_micro_gpus = 750'000;
  JobRecord wide = JobOf(1, 90s, 0s, 3, "", "MISC", "Failed");
  wide.demand_micro_gpus = 2'500'000;
  EXPECT_EQ(trace->jobs, (std::vector<JobRecord>{wide, shared})) << "times stay the source's";
}

TEST(PaiTest, TasksWithoutGpusOrTimesAreLeftOut) {
  const auto trace =
      ReadText(TraceFormat::kPai, StrCat(kTasks, "j,t,1.0,Terminated,1.0,2.0,600.0,2,,CPU\n",
                                         "j,t,1.0,Terminated,1.0,2.0,600.0,2,0.0,CPU\n",
                                         "j,t,1.0,Waiting,,,600.0,2,50.0,T4\n",
                                         "j,t,1.0,Running,1.0,,600.0,2,50.0,T4\n"));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->left_out, (std::map<std::string, int64_t>{
                                 {"asks for no GPU", 2}, {"never ran", 1}, {"has no end", 1}}));
}

TEST(PaiTest, ContradictionsAreRefusedAtTheirColumn) {
  EXPECT_EQ(Refusal("j,t,1.0,Terminated,3.0,2.0,600.0,2,50.0,T4\n"),
            "t:2:24: expected an end not before the start, found '2.0'");
  EXPECT_EQ(Refusal("j,t,1.5,Terminated,1.0,2.0,600.0,2,50.0,T4\n"),
            "t:2:5: expected a whole number of instances from 0 to 1000000, found '1.5'");
  EXPECT_EQ(Refusal("j,t,1.0,Terminated,1.0,2.0,600.0,2,-50.0,T4\n"),
            "t:2:36: expected GPUs of an instance in per cent: 0 to 1000000, found '-50.0'");
  EXPECT_EQ(Refusal("j,t,1000000,Terminated,1.0,2.0,600.0,2,200,T4\n"),
            "t:2:5: expected at most 1000000 GPUs in all, found '1000000'");
}

TEST(PaiTest, TheSimulatorsSampleIsReadToo) {
  const auto trace = ReadText(TraceFormat::kPai,
                              "job_id,num_gpu,user,num_cpu,duration,submit_time,gpu_type\n"
                              "4,0.5,u9,6,30,7,V100\n5,0,u9,6,30,8,CPU\n6,2,u8,6,1.5,3,T4\n");
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  JobRecord shared = JobOf(0, 7s, 30s, 1, "u9", "V100", "");
  shared.demand_micro_gpus = 500'000;
  EXPECT_EQ(trace->jobs, (std::vector<JobRecord>{JobOf(2, 3s, 1500ms, 2, "u8", "T4", ""), shared}));
}

TEST(PaiTest, TheJobTableIsRefusedWithTheReason) {
  EXPECT_EQ(RefusalOf(TraceFormat::kPai, "job_name,inst_id,user,status,start_time,end_time\n"),
            "t:1:1: expected the header of pai_task_table (its .header file goes in front of the "
            "table) or of the simulator's sample; a pai_job_table does not say how many GPUs a "
            "job has");
}

}  // namespace
}  // namespace flexmig::trace
