#include "flexmig/trace/describe.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/trace/trace_file.h"

#include "trace_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

TEST(DescribeTest, AnExampleByHand) {
  std::vector<JobRecord> jobs = {
      JobOf(1, 10s, 100s, 1, "", "", ""), JobOf(2, 60s, 50s, 4, "", "", ""),
      JobOf(3, 110s, 0s, 8, "", "", ""), JobOf(4, 110s, 2s, 2, "", "", "")};
  jobs[1].demand_micro_gpus = 500'000;
  const auto d = Describe(jobs);
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(d->jobs, 4);
  EXPECT_EQ(d->first_submit, sched::TimePoint(10s));
  EXPECT_EQ(d->last_submit, sched::TimePoint(110s));
  EXPECT_EQ(d->median_duration, 50s) << "of 0 2 50 100 the one at index 2";
  EXPECT_EQ(d->p95_duration, 100s);
  EXPECT_EQ(d->max_duration, 100s);
  EXPECT_EQ(d->fractional, 1);
  EXPECT_EQ(d->one_gpu, 1);
  EXPECT_EQ(d->multi_gpu, 2);
  EXPECT_DOUBLE_EQ(d->gpu_hours, (100 + 25 + 4) / 3600.0);
  EXPECT_DOUBLE_EQ(d->mean_gpus, 129.0 / 102);
  EXPECT_DOUBLE_EQ(d->peak_gpus, 2) << "two end before one begins, and one takes no time";
  EXPECT_DOUBLE_EQ(d->p95_gpus, 1.5) << "100 of 102 s";
}

TEST(DescribeTest, JobsThatTakeNoTimeUseNothing) {
  const auto d = Describe(std::vector{JobOf(1, 10s, 0s, 1, "", "", "")});
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(d->peak_gpus, 0);
  EXPECT_EQ(Describe({}).status().message(), "the trace has no jobs");
}

// The table of the collection of public traces that the project is tested with, where it is
// present.
struct PublishedRow {
  const char* file;
  int64_t jobs, first, last;
  const char* median;
  const char* p95;
  const char* max;
  const char* shares;  // fractional / one / multi, per cent
  int64_t gpu_hours;
  const char* mean;
  const char* p95_gpus;
  const char* peak;

  // For the test's name.
  friend void PrintTo(const PublishedRow& row, std::ostream* out) { *out << row.file; }
};

constexpr PublishedRow kRows[] = {
    {"philly2017_sep_oct", 52849, 0, 4972890, "1486", "29567", "4628226", "0.0 / 95.0 / 5.0",
     642409, "337.5", "772.0", "1243.0"},
    {"itp2021_c02", 5778, 5010, 5166386, "6185", "107088", "1114383", "0.0 / 85.4 / 14.6", 123748,
     "86.0", "193.0", "346.0"},
    {"openb2023_default", 6203, 0, 12901761, "655", "16994", "12537496", "41.5 / 57.3 / 1.2", 51470,
     "14.4", "41.5", "64.6"},
    {"openb2023_gpushare100", 5891, 0, 12474700, "539", "18964", "12475899", "100.0 / 0.0 / 0.0",
     15150, "4.4", "12.9", "25.6"},
    {"miso100", 100, 29, 4948, "248", "3773.7", "6082.14", "0.0 / 100.0 / 0.0", 21, "8.0", "15.0",
     "16.0"}};

// Traces are not part of the project: $FLEXMIG_TRACES or ../shared/traces beside the source tree.
std::filesystem::path TraceFolder() {
  const char* folder = std::getenv("FLEXMIG_TRACES");
  if (folder != nullptr) return folder;
  return std::filesystem::path(FLEXMIG_SOURCE_DIR).parent_path() / "shared" / "traces";
}

class PublishedTraceTest : public testing::TestWithParam<PublishedRow> {};

TEST_P(PublishedTraceTest, IsDescribedAsInItsTable) {
  const PublishedRow& row = GetParam();
  const std::filesystem::path path = TraceFolder() / StrCat(row.file, ".csv.gz");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no " << path << "; set FLEXMIG_TRACES to a folder that has this trace";
  }
  const auto jobs = LoadTrace(path);
  ASSERT_TRUE(jobs.ok()) << jobs.status().ToString();
  const auto d = *Describe(*jobs);
  const auto seconds = [](auto time) {
    return StrCat(std::chrono::duration<double>(time).count());
  };
  const auto percent = [&](int64_t count) {
    return FormatFixed(100.0 * static_cast<double>(count) / static_cast<double>(d.jobs), 1);
  };
  EXPECT_EQ(d.jobs, row.jobs);
  EXPECT_EQ(d.first_submit, sched::TimePoint(std::chrono::seconds(row.first)));
  EXPECT_EQ(d.last_submit, sched::TimePoint(std::chrono::seconds(row.last)));
  EXPECT_EQ(seconds(d.median_duration), row.median);
  EXPECT_EQ(seconds(d.p95_duration), row.p95);
  EXPECT_EQ(seconds(d.max_duration), row.max);
  EXPECT_EQ(StrCat(percent(d.fractional), " / ", percent(d.one_gpu), " / ", percent(d.multi_gpu)),
            row.shares);
  EXPECT_NEAR(d.gpu_hours, static_cast<double>(row.gpu_hours), 1) << "printed as whole hours";
  EXPECT_EQ(FormatFixed(d.mean_gpus, 1), row.mean);
  EXPECT_EQ(FormatFixed(d.p95_gpus, 1), row.p95_gpus);
  EXPECT_EQ(FormatFixed(d.peak_gpus, 1), row.peak);
}

INSTANTIATE_TEST_SUITE_P(Table, PublishedTraceTest, testing::ValuesIn(kRows),
                         [](const auto& param_info) { return param_info.param.file; });

// The raw pod list gives exactly the jobs of the normalised trace that was made from it.
TEST(OpenbReferenceTest, TheRawListBecomesTheNormalisedTrace) {
  const auto raw_path = TraceFolder() / "openb2023_default_raw.csv.gz";
  const auto path = TraceFolder() / "openb2023_default.csv.gz";
  if (!std::filesystem::exists(raw_path) || !std::filesystem::exists(path)) {
    GTEST_SKIP() << "no " << raw_path << " or " << path
                 << "; set FLEXMIG_TRACES to a folder that has them";
  }
  const auto raw = ReadTraceFile(raw_path, {});
  ASSERT_TRUE(raw.ok()) << raw.status().ToString();
  EXPECT_EQ(raw->format, TraceFormat::kOpenb);
  EXPECT_EQ(raw->left_out, (std::map<std::string, int64_t>{{"asks for no GPU", 1088},
                                                           {"was never scheduled", 861}}));
  EXPECT_EQ(raw->jobs, *LoadTrace(path));
}

}  // namespace
}  // namespace flexmig::trace
