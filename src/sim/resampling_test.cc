#include "flexmig/sim/resampling.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

// 500 jobs at irregular times, each with a duration of its own.
std::vector<trace::JobRecord> Recorded() {
  std::vector<Line> lines;
  int at = 100;
  for (int i = 0; i < 500; ++i) {
    at += i % 7 == 0 ? 0 : i % 13;
    lines.push_back({at, 1000 + i, 100});
  }
  return Records(lines);
}

std::vector<trace::JobRecord> Replica(std::string_view text, uint64_t seed) {
  return Resample(Recorded(), *Resampling::Parse(text, seed));
}

TEST(ResamplingTest, NoneIsTheTraceWhateverTheSeed) {
  EXPECT_EQ(Replica("none", 1), Recorded());
  EXPECT_EQ(Replica("none", 2), Recorded());
}

TEST(ResamplingTest, OrderKeepsJobsAndTimesAndDealsThemAnew) {
  const auto recorded = Recorded();
  auto replica = Replica("order", 1);
  EXPECT_EQ(replica, Replica("order", 1));
  EXPECT_NE(replica, Replica("order", 2));
  ASSERT_EQ(replica.size(), recorded.size());
  int moved = 0;
  for (size_t i = 0; i < replica.size(); ++i) {
    EXPECT_EQ(replica[i].submit_time, recorded[i].submit_time);
    if (replica[i].id != recorded[i].id) ++moved;
  }
  EXPECT_GT(moved, 450);
  std::sort(replica.begin(), replica.end(), [](auto& a, auto& b) { return a.id < b.id; });
  for (size_t i = 0; i < replica.size(); ++i) EXPECT_EQ(replica[i].duration, recorded[i].duration);
}

TEST(ResamplingTest, EveryBlockIsAStretchOfTheTrace) {
  const auto recorded = Recorded();
  const sched::TimePoint first = recorded.front().submit_time;
  const int64_t span = (recorded.back().submit_time - first).count() + 1;
  const int64_t length = (span + 9) / 10;
  std::map<sched::Duration, int64_t> offset_of;  // by duration, which is the job's own
  for (const auto& record : recorded) {
    offset_of[record.duration] = (record.submit_time - first).count();
  }
  EXPECT_NE(Replica("blocks:10", 1), Replica("blocks:10", 2));
  size_t jobs = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const auto replica = Replica("blocks:10", seed);
    jobs += replica.size();
    std::map<int64_t, std::set<int64_t>> shifts;  // by block
    int64_t id = 0;
    sched::TimePoint last = first;
    for (const auto& record : replica) {
      EXPECT_EQ(record.id.value(), ++id);
      EXPECT_GE(record.submit_time, last);
      last = record.submit_time;
      const int64_t at = (record.submit_time - first).count();
      ASSERT_LT(at, span);
      shifts[at / length].insert(((at - offset_of.at(record.duration)) % span + span) % span);
    }
    for (const auto& [block, shift] : shifts) EXPECT_EQ(shift.size(), 1U) << "block " << block;
  }
  EXPECT_NEAR(static_cast<double>(jobs) / 200, 500, 25) << "as many as the trace on average";
}

TEST(ResamplingTest, ATraceOfOneMomentStaysThere) {
  const auto replica =
      Resample(Records({{5, 1, 100}, {5, 2, 100}}), *Resampling::Parse("blocks:20", 3));
  ASSERT_EQ(replica.size(), 2U);
  EXPECT_EQ(replica[1].submit_time, sched::TimePoint(5s));
  EXPECT_TRUE(Resample({}, *Resampling::Parse("blocks:20", 3)).empty());
}

TEST(ResamplingTest, BadOptionsAreRefusedByName) {
  EXPECT_EQ(Resampling::Parse("bootstrap", 1).status().message(),
            "no resampling 'bootstrap'; there are none, order, blocks:<number>");
  EXPECT_EQ(Resampling::Parse("blocks:0", 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Resampling::Parse("blocks:", 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Resampling::Parse("order", 7)->Describe(),
            "order: the recorded submission times, jobs dealt to them by seed 7");
}

}  // namespace
}  // namespace flexmig::sim
