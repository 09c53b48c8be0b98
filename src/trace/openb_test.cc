#include "flexmig/trace/openb.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPods =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n";

std::string Refusal(std::string_view line) {
  return RefusalOf(TraceFormat::kOpenb, StrCat(kPods, line, "\n"));
}

TEST(OpenbTest, PodsBecomeJobs) {
  const auto trace =
      ReadText(TraceFormat::kOpenb, StrCat(kPods, "a,6000,12288,1,460,,LS,Running,10,100,40\n",
                                           "b,6000,12288,2,1000,T4|P100,BE,Failed,5,105,5\n",
                                           "c,6000,12288,0,0,,BE,Running,5,105,5\n",
                                           "d,6000,12288,1,1000,,BE,Pending,5,105,\n"));
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  JobRecord shared = JobOf(0, 10s, 60s, 1, "", "LS", "Running");
  shared.demand_micro_gpus = 460'000;
  EXPECT_EQ(trace->jobs,
            (std::vector<JobRecord>{JobOf(1, 5s, 100s, 2, "", "BE", "Failed"), shared}));
  EXPECT_EQ(trace->left_out,
            (std::map<std::string, int64_t>{{"asks for no GPU", 1}, {"was never scheduled", 1}}));
}

TEST(OpenbTest, APodHasAllItsColumns) {
  const auto pods = ReadOpenbPods(
      FromMemory(StrCat(kPods, "b,6000,12288,2,1000,T4|P100,BE,Failed,5,105,7\n")), "t");
  ASSERT_TRUE(pods.ok()) << pods.status().ToString();
  const OpenbPod& pod = pods->at(0);
  EXPECT_EQ(pod.name, "b");
  EXPECT_EQ(pod.cpu_milli, 6000);
  EXPECT_EQ(pod.memory_mib, 12288);
  EXPECT_EQ(pod.gpu_spec, (std::vector<std::string>{"T4", "P100"}));
  EXPECT_EQ(pod.scheduled, sched::TimePoint(7s));
}

TEST(OpenbTest, ContradictionsAreRefusedAtTheirColumn) {
  EXPECT_EQ(Refusal("a,6000,1,1,0,,LS,Running,10,100,40"),
            "t:2:12: expected thousandths of each GPU: a whole number from 1 to 1000, 0 if num_gpu "
            "is 0, found '0'");
  EXPECT_EQ(Refusal("a,6000,1,0,500,,LS,Running,10,100,40").substr(0, 7), "t:2:12:");
  EXPECT_EQ(Refusal("a,6000,1,1,1001,,LS,Running,10,100,40").substr(0, 7), "t:2:12:");
  EXPECT_EQ(Refusal("a,-1,1,1,500,,LS,Running,10,100,40").substr(0, 6), "t:2:3:");
  EXPECT_EQ(Refusal("a,6000,1,1,500,T4||P4,LS,Running,10,100,40"),
            "t:2:16: expected GPU models separated by '|', found 'T4||P4'");
  EXPECT_EQ(Refusal("a,6000,1,1,500,,LS,Running,10,9,"),
            "t:2:31: expected a time not before creation_time, found '9'");
  EXPECT_EQ(Refusal("a,6000,1,1,500,,LS,Running,10,100,101"),
            "t:2:35: expected a time between creation_time and deletion_time, or nothing, found "
            "'101'");
}

TEST(OpenbTest, NodesAreRead) {
  const auto nodes = ReadOpenbNodes(
      FromMemory("sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\nn1,96000,1,0,\n"),
      "t");
  ASSERT_TRUE(nodes.ok()) << nodes.status().ToString();
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ(nodes->at(0).gpus, 2);
  EXPECT_EQ(nodes->at(0).model, "P100");
  EXPECT_EQ(nodes->at(1).memory_mib, 1);
  EXPECT_EQ(ReadOpenbNodes(FromMemory("sn,cpu_milli,memory_mib,gpu,model\nn0,1,1,2,\n"), "t")
                .status()
                .message(),
            "t:2:10: expected a GPU model, found ''");
}

}  // namespace
}  // namespace flexmig::trace
