#include "flexmig/sched/running_jobs.h"

#include <algorithm>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::sched {
namespace {

TimePoint At(int64_t micros) { return TimePoint(Duration(micros)); }

TEST(RunningJobsTest, RandomSetsAgreeWithASortedList) {
  SplitMix64 random(20261122);
  std::deque<QueuedJob> jobs;
  RunningJobs running;
  std::vector<QueuedJob*> plain;
  for (int step = 0; step < 4000; ++step) {
    if (plain.size() < 80 && random.NextBelow(5) < 3) {
      QueuedJob& job = jobs.emplace_back();
      job.position.sequence = jobs.size();
      job.leaves_held = 1 + static_cast<int>(random.NextBelow(9));
      const bool never = random.NextBelow(10) == 0;
      job.expected_end = never ? kNever : At(static_cast<int64_t>(random.NextBelow(50)));
      running.Add(job);
      plain.push_back(&job);
      std::sort(plain.begin(), plain.end(), [](const QueuedJob* a, const QueuedJob* b) {
        return std::pair(a->expected_end, a->position.sequence) <
               std::pair(b->expected_end, b->position.sequence);
      });
    } else if (!plain.empty()) {
      const auto nth = plain.begin() + static_cast<int64_t>(random.NextBelow(plain.size()));
      running.Remove(**nth);
      plain.erase(nth);
    }
    ASSERT_EQ(running.size(), plain.size());
    const QueuedJob* at = running.First();
    for (const QueuedJob* job : plain) {
      ASSERT_EQ(at, job);
      at = RunningJobs::Next(*at);
    }
    ASSERT_EQ(at, nullptr);
    const TimePoint time = At(static_cast<int64_t>(random.NextBelow(55)));
    const auto wanted = static_cast<int64_t>(1 + random.NextBelow(200));
    int64_t until = 0;
    int64_t sum = 0;
    TimePoint reached = kNever;
    for (const QueuedJob* job : plain) {
      if (job->expected_end <= time) until += job->leaves_held;
      if (sum < wanted && sum + job->leaves_held >= wanted) reached = job->expected_end;
      sum += job->leaves_held;
    }
    ASSERT_EQ(running.LeavesUntil(time), until);
    ASSERT_EQ(running.LeavesUntil(kNever), sum);
    ASSERT_EQ(running.TimeOfLeaves(wanted), reached);
  }
}

}  // namespace
}  // namespace flexmig::sched
