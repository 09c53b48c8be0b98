#include "flexmig/report/run_recorder.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "report_for_test.h"

namespace flexmig::report {
namespace {

using namespace std::chrono_literals;

const RunKey kFlexmig{0, "flexmig", 0.5, "a, b", 7};

// The content that `record` writes into a file.
template <typename Function>
std::string Written(Function record) {
  const std::filesystem::path path = StrCat(testing::TempDir(), "run_recorder_test.", ::getpid());
  {
    auto file = AtomicFile::Create(path);
    EXPECT_TRUE(file.ok());
    record(*file);
    EXPECT_TRUE(file->Commit().ok());
  }
  auto content = ReadFile(path);
  std::filesystem::remove(path);
  return *content;
}

// Three slices, four slices, too many, three slices.
const std::vector<Line> kLines = {{5, 100, 42}, {5, 50, 57}, {10, 5, 300}, {20, 10, 28}};

TEST(RunRecorderTest, RowsSayWhoHeldWhatWhen) {
  const std::string rows =
      Written([](AtomicFile& file) { Record(kFlexmig, Records(kLines), 1, {}, &file); });
  EXPECT_EQ(rows,
            "flexmig,0.5,\"a, b\",7,3,left-out,10,,,,,,21,0,0,\n"
            "flexmig,0.5,\"a, b\",7,2,done,5,5,55,0,50,50,4,4,4,0/0/3+1 0/0/4+1 0/0/5+1 0/0/6+1\n"
            "flexmig,0.5,\"a, b\",7,4,done,20,55,65,35,45,10,2,2,2,0/0/3+1 0/0/4+1\n"
            "flexmig,0.5,\"a, b\",7,1,done,5,5,105,0,100,100,3,3,3,0/0/0+1 0/0/1+1 0/0/2+1\n");
}

TEST(RunRecorderTest, TimeSeriesHasEveryChange) {
  const std::string rows =
      Written([](AtomicFile& file) { Record(kFlexmig, Records(kLines), 1, {}, nullptr, &file); });
  // Requests of 3, 4, 21 and 2 leaves, each of a quarter of the jobs.
  EXPECT_EQ(rows,
            "flexmig,0.5,\"a, b\",7,5,2,0,7,7,0,0,0,0\n"
            "flexmig,0.5,\"a, b\",7,20,2,1,7,7,0,0,0,0\n"
            "flexmig,0.5,\"a, b\",7,55,2,0,5,5,2,0,0.75,1.5\n"
            "flexmig,0.5,\"a, b\",7,65,1,0,3,3,4,0,0.25,1\n"
            "flexmig,0.5,\"a, b\",7,105,0,0,0,0,7,0,0.25,1.75\n");
}

TEST(RunRecorderTest, ChartsIntegrateToTheSummary) {
  std::vector<Line> lines;
  SplitMix64 random(3);
  for (int i = 0; i < 400; ++i) {
    lines.push_back({i * 7, 1 + static_cast<int>(random.NextBelow(300)),
                     10 + static_cast<int>(random.NextBelow(90))});
  }
  for (const char* policy : {"flexmig", "exclusive", "dynamic-drain", "static:4g.20gb+3g.20gb"}) {
    const Recorded recorded = Record({0, policy, {}, "", 1}, Records(lines), 3);
    const auto& windows = recorded.run.detail->by_time.windows();
    EXPECT_LE(windows.size(), RecorderOptions().windows);
    const double makespan =
        std::chrono::duration<double, std::micro>(recorded.run.summary.makespan).count();
    for (const auto& [quantity, share] :
         {std::pair(Quantity::kHeldSlices, recorded.run.summary.held_utilisation),
          std::pair(Quantity::kAskedSlices, recorded.run.summary.asked_utilisation)}) {
      double sum = 0;
      for (const auto& window : windows) sum += window.sum[static_cast<size_t>(quantity)];
      EXPECT_NEAR(sum / (makespan * 21), share, 1e-9) << policy;
    }
  }
}

TEST(RunRecorderTest, GanttJoinsNeighboursAndKnowsTheWholeJob) {
  // 3 leaves, 3 leaves, then 4: the seventh of GPU 0 and three of GPU 1.
  const Recorded recorded = Record(kFlexmig, Records({{0, 100, 42}, {0, 50, 42}, {0, 70, 57}}), 2);
  const Gantt& gantt = recorded.run.detail->gantt;
  ASSERT_EQ(gantt.jobs.size(), 3U);
  ASSERT_EQ(gantt.pieces.size(), 4U);
  const Gantt::Piece& last = gantt.pieces[3];
  EXPECT_EQ(std::tuple(last.job, last.gpu, last.start, last.size, last.leaves),
            std::tuple(size_t{2}, 1, 0, 3, 3));
  EXPECT_EQ(gantt.jobs[2].id, "3");
  EXPECT_EQ(gantt.jobs[2].release_time, sched::TimePoint(70s));
  EXPECT_EQ(gantt.to, sched::TimePoint(100s));
  EXPECT_FALSE(gantt.is_cut);
}

TEST(RunRecorderTest, GanttIsCutWhereThereIsNoRoomForMore) {
  std::vector<Line> lines;
  for (int i = 0; i < 20; ++i) lines.push_back({10 * i, 5, 14});
  const Recorded recorded = Record(kFlexmig, Records(lines), 1, {.gantt_pieces = 8});
  const Gantt& gantt = recorded.run.detail->gantt;
  EXPECT_TRUE(gantt.is_cut);
  EXPECT_EQ(gantt.pieces.size(), 8U);
  EXPECT_EQ(gantt.to, sched::TimePoint(80s)) << "the ninth job starts then";
}

TEST(RunRecorderTest, GanttOfALaterTimeHasWhatRunsThen) {
  // The first job runs over the time, the second ends before it, the third is on both GPUs, the
  // fourth on the other one.
  const std::vector<Line> lines = {{0, 500, 42}, {0, 50, 28}, {60, 500, 100}, {300, 10, 28}};
  const Recorded recorded = Record(kFlexmig, Records(lines), 2,
                                   {.gantt_first_gpu = 0, .gantt_gpus = 1, .gantt_from = 200s});
  const Gantt& gantt = recorded.run.detail->gantt;
  EXPECT_EQ(gantt.from, sched::TimePoint(200s));
  std::vector<std::string> ids;
  for (const Gantt::Job& job : gantt.jobs) ids.push_back(job.id);
  EXPECT_THAT(ids, testing::ElementsAre("1", "3"));
  EXPECT_THAT(gantt.pieces, testing::Each(testing::Field(&Gantt::Piece::gpu, 0)));
}

TEST(RunRecorderTest, GanttShowsGpusOutOfService) {
  const Recorded recorded = Record({0, "dynamic-drain", {}, "", 1}, Records({{0, 100, 42}}), 1);
  const Gantt& gantt = recorded.run.detail->gantt;
  ASSERT_EQ(gantt.outages.size(), 1U);
  EXPECT_EQ(gantt.outages[0].from, sched::TimePoint(0s));
  EXPECT_EQ(gantt.outages[0].until, recorded.outcome.jobs[0].start_time);
}

TEST(DistributionTest, StepsAreNearestRanks) {
  const Distribution distribution = Distribution::Of({30s, 10s, 20s});
  ASSERT_EQ(distribution.values.size(), 201U);
  EXPECT_EQ(distribution.values[0], 10s);
  EXPECT_EQ(distribution.values[66], 10s) << "33 % of three jobs is the first";
  EXPECT_EQ(distribution.values[67], 20s);
  EXPECT_EQ(distribution.values[200], 30s);
  EXPECT_TRUE(Distribution::Of({}).values.empty());
}

}  // namespace
}  // namespace flexmig::report
