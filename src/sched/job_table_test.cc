#include "flexmig/sched/job_table.h"

#include <map>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sched {
namespace {

TEST(JobTableTest, RandomUseAgreesWithAMapAndJobsStayInPlace) {
  SplitMix64 random(20261122);
  JobTable table;
  std::map<JobId, QueuedJob*> plain;
  EXPECT_EQ(table.Find(JobId("x")), nullptr);
  for (int step = 0; step < 40'000; ++step) {
    const JobId id(StrCat("j", random.NextBelow(step < 20'000 ? 700 : 30)));
    const auto known = plain.find(id);
    ASSERT_EQ(table.Find(id), known == plain.end() ? nullptr : known->second);
    if (known == plain.end()) {
      QueuedJob& job = table.Insert(id);
      ASSERT_EQ(job.job.id, id);
      ASSERT_EQ(job.leaves_held, 0) << "nothing is left of who was there before";
      job.leaves_held = step + 1;
      plain[id] = &job;
    } else if (random.NextBelow(2) == 0) {
      table.Erase(*known->second);
      plain.erase(known);
    }
    ASSERT_EQ(table.size(), plain.size());
  }
  for (const auto& [id, job] : plain) {
    ASSERT_EQ(table.Find(id), job);
    ASSERT_EQ(job->job.id, id);
  }
}

}  // namespace
}  // namespace flexmig::sched
