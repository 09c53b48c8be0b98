// The checked results for a public trace: whole GPUs as one pool, computed by two other programs.

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/summary.h"
#include "flexmig/trace/trace_file.h"

namespace flexmig::sim {
namespace {

struct Row {
  int gpus;
  const char* queue;
  const char* mean_jct_s;
  const char* mean_wait_s;
  int64_t makespan_s;

  // For the test's name.
  friend void PrintTo(const Row& row, std::ostream* out) {
    *out << row.queue << " on " << row.gpus << " GPUs";
  }
};

class ReferenceTest : public testing::TestWithParam<Row> {};

// Traces are not part of the project: $FLEXMIG_TRACES or ../shared/traces beside the source tree.
std::filesystem::path TraceFolder() {
  const char* folder = std::getenv("FLEXMIG_TRACES");
  if (folder != nullptr) return folder;
  return std::filesystem::path(FLEXMIG_SOURCE_DIR).parent_path() / "shared" / "traces";
}

TEST_P(ReferenceTest, ResultsAgreeToTheSecond) {
  const std::filesystem::path path = TraceFolder() / "itp2021_c02.csv.gz";
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no " << path << "; set FLEXMIG_TRACES to a folder that has this trace";
  }
  const Row& row = GetParam();
  const auto records = trace::LoadTrace(path);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  const SchemeContext context{&model, {1, row.gpus}, SpeedModel(model, {}), {}, {}, "first-fit"};
  const auto workload = MakeWorkload(*records, model, row.gpus, context.speeds, {});
  ASSERT_TRUE(workload.ok()) << workload.status().ToString();
  const auto scheme = MakeScheme("whole-gpu", context);
  ASSERT_TRUE(scheme.ok());
  const auto outcome = Simulate(*workload, **scheme, *sched::MakeQueuePolicy(row.queue));
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  const Summary summary = Summarize(*workload, **scheme, *outcome, model, row.gpus);
  EXPECT_EQ(summary.jobs_done, 5778);
  EXPECT_EQ(summary.makespan, std::chrono::seconds(row.makespan_s));
  EXPECT_EQ(FormatFixed(summary.mean_jct_s, 1), row.mean_jct_s);
  EXPECT_EQ(FormatFixed(summary.mean_wait_s, 1), row.mean_wait_s);
}

INSTANTIATE_TEST_SUITE_P(Itp2021C02, ReferenceTest,
                         testing::Values(Row{128, "fifo-skip", "49377.1", "26407.5", 5263037},
                                         Row{128, "sjf", "35624.7", "12655.1", 5310315},
                                         Row{96, "fifo-skip", "150316.6", "127347.0", 5898846},
                                         Row{128, "fifo", "174038.2", "151068.7", 5241748},
                                         Row{128, "easy", "55872.8", "32903.3", 5236338},
                                         Row{96, "fifo", "498311.0", "475341.5", 6213135},
                                         Row{96, "sjf", "36266.2", "13296.7", 6405793}),
                         [](const auto& param_info) {
                           std::string queue = param_info.param.queue;
                           if (const size_t dash = queue.find('-'); dash != std::string::npos)
                             queue[dash] = '_';
                           return StrCat(queue, "_on_", param_info.param.gpus, "_GPUs");
                         });

}  // namespace
}  // namespace flexmig::sim
