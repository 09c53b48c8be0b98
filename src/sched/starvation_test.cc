// The bound on the wait of a wide job among narrow ones, under the policies that let jobs pass.

#include <map>
#include <tuple>

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

constexpr int kLeaves = 14;
constexpr Duration kBound(200);

// More narrow jobs than the node can do, and now and then a wide one.
std::vector<WorldJob> NarrowFlood(SplitMix64& random, bool exact) {
  std::vector<WorldJob> jobs;
  int64_t now = 0;
  for (int i = 0; i < 400; ++i) {
    now += static_cast<int64_t>(random.NextBelow(4));
    WorldJob& job = jobs.emplace_back();
    const bool wide = random.NextBelow(40) == 0;
    job.job = MakeJob(StrCat("j", i), wide ? 12 + static_cast<int>(random.NextBelow(3))
                                           : 1 + static_cast<int>(random.NextBelow(2)));
    job.submit_time = At(now);
    job.run_time = Duration(1 + static_cast<int64_t>(random.NextBelow(40)));
    if (exact) {
      job.job.estimate = job.run_time;
    } else if (random.NextBelow(4) > 0) {
      job.job.estimate = Duration(1 + static_cast<int64_t>(random.NextBelow(40)));
    }
    // Urgent ones come all the time.
    if (!wide) job.job.priority = static_cast<int>(random.NextBelow(2));
  }
  return jobs;
}

// The longest wait beyond its bound, where the bound of a job is
//   B + (a + 1) x (2 R + E)
// with a: the jobs that were queued before it and had not started when it became starved; R, E: the
// longest run time and estimate. When it is the oldest of the starved it gets a reservation. That
// is known at once, or when the jobs of unknown length that run have ended: R. It is at most E
// later (when the last running job is expected to end), and moves back by overruns only: R.
// If all run for exactly as long as estimated, a reservation is at most R later: B + (a + 1) x R.
Duration LongestExcess(const World& world, bool exact) {
  constexpr Duration kLongest(40);
  Duration excess = Duration::min();
  for (const WorldJob& job : world.jobs()) {
    EXPECT_TRUE(job.start_time) << job.job.id.value();
    const TimePoint starved = job.submit_time + kBound;
    if (*job.start_time <= starved) continue;
    int64_t ahead = 0;
    for (const WorldJob& other : world.jobs()) {
      if (&other == &job) break;  // in the order of submission
      if (*other.start_time >= starved) ++ahead;
    }
    const Duration bound = kBound + (ahead + 1) * (exact ? 1 : 3) * kLongest;
    excess = std::max(excess, *job.start_time - job.submit_time - bound);
  }
  return excess;
}

Duration LongestWait(const World& world) {
  Duration longest(0);
  for (const WorldJob& job : world.jobs()) {
    longest = std::max(longest, *job.start_time - job.submit_time);
  }
  return longest;
}

class StarvationTest : public testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(StarvationTest, NoJobWaitsLongerThanTheBoundSays) {
  const auto& [policy, exact] = GetParam();
  SplitMix64 random(20261122);
  bool starved_without = false;
  int starved = 0;
  for (int round = 0; round < 30; ++round) {
    const auto jobs = NarrowFlood(random, exact);
    Scheduler bounded =
        *MakeScheduler({LeafNode(2), "first-fit", policy, {.starvation_bound = kBound}});
    World world(bounded, jobs);
    world.Play();
    ASSERT_LE(LongestExcess(world, exact), Duration(0)) << "round " << round;
    for (const WorldJob& job : world.jobs()) {
      if (*job.start_time - job.submit_time > kBound) ++starved;
    }
    Scheduler unbounded = *MakeScheduler({LeafNode(2), "first-fit", policy, {}});
    World without(unbounded, jobs);
    without.Play();
    if (LongestWait(without) > LongestWait(world)) starved_without = true;
  }
  EXPECT_GT(starved, 30) << "the workload is to reach the bound";
  EXPECT_TRUE(starved_without) << "the bound is to make a difference";
}

INSTANTIATE_TEST_SUITE_P(
    All, StarvationTest,
    testing::Combine(testing::Values("fifo-skip", "sjf", "easy", "conservative"), testing::Bool()),
    [](const auto& param_info) {
      std::string name = std::get<0>(param_info.param);
      std::replace(name.begin(), name.end(), '-', '_');
      return name + (std::get<1>(param_info.param) ? "_exact_estimates" : "_wrong_estimates");
    });

}  // namespace
}  // namespace flexmig::sched
