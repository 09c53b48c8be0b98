#include "flexmig/sched/job_queue.h"

#include <algorithm>
#include <deque>
#include <memory>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sched {
namespace {

mig::NodeInventory Node() {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return mig::NodeInventory::Uniform(model, 4, *mig::UniformLayout(model, "1g.5gb"));
}

// Owns what the queue points to.
class Fixture {
 public:
  explicit Fixture(JobQueue::Grouping grouping = {}) : queue(grouping) {}

  QueuedJob* Add(int leaves, int64_t key, int64_t shortest_run = 1, int user = 0,
                 int priority = 0) {
    QueuedJob& job = jobs_.emplace_back();
    job.job.id = JobId(StrCat(jobs_.size()));
    job.job.request.leaf_count = leaves;
    job.position = {-priority, key, jobs_.size()};
    job.shortest_run = Duration(shortest_run);
    job.user = user;
    job.kind = &kinds_.Of(job.job.request, *policy_, pool_);
    ++job.kind->jobs;
    queue.Add(&job);
    return &job;
  }
  JobQueue queue;

 private:
  std::unique_ptr<alloc::AllocationPolicy> policy_ = *alloc::MakePolicy("first-fit");
  alloc::LeafPool pool_{Node()};
  RequestKinds kinds_;
  std::deque<QueuedJob> jobs_;
};

using Ids = std::vector<std::string>;

Ids Walk(QueueCursor cursor) {
  Ids ids;
  while (const QueuedJob* job = cursor.Next()) ids.push_back(job->job.id.value());
  return ids;
}

TEST(JobQueueTest, AWalkMergesTheGroupsInQueueOrder) {
  Fixture f;
  EXPECT_EQ(f.queue.Front(), nullptr);
  EXPECT_EQ(f.queue.Oldest(), nullptr);
  EXPECT_TRUE(Walk(QueueCursor(f.queue)).empty());
  f.Add(1, 5);  // "1"
  f.Add(2, 3);
  f.Add(1, 3);
  f.Add(7, 4);
  EXPECT_EQ(f.queue.Front()->job.id, JobId("2"));
  EXPECT_EQ(f.queue.Oldest()->job.id, JobId("1"));
  EXPECT_EQ(f.queue.leaves_wanted(), 11);
  EXPECT_EQ(Walk(QueueCursor(f.queue)), (Ids{"2", "3", "4", "1"}));
}

TEST(JobQueueTest, EqualRequestsShareAGroupUnlessNobodyPassesAnybody) {
  Fixture f;
  EXPECT_EQ(f.Add(3, 0)->group, f.Add(3, 1)->group);
  EXPECT_NE(f.Add(2, 0)->group, f.Add(3, 2)->group);
  Fixture strict({.by_request = false, .by_user = false});
  EXPECT_EQ(strict.Add(3, 0)->group, strict.Add(2, 1)->group);
}

TEST(JobQueueTest, UsageOrdersUsersWithinAPriority) {
  Fixture f({.by_request = true, .by_user = true});
  f.Add(1, 0, 1, /*user=*/0);
  f.Add(1, 0, 1, /*user=*/1);
  f.Add(2, 0, 1, /*user=*/0, /*priority=*/1);
  f.Add(2, 0, 1, /*user=*/1);
  f.queue.SetUsage([](int user) { return user == 0 ? 10 : 3; });
  EXPECT_EQ(Walk(QueueCursor(f.queue)), (Ids{"3", "2", "4", "1"}));
  EXPECT_EQ(f.queue.Front()->job.id, JobId("3"));
  EXPECT_EQ(f.queue.Front([](const QueueGroup& group) { return group.user == 1; })->job.id,
            JobId("2"));
}

TEST(JobQueueTest, ASkippedGroupIsLeftOutFromThereOn) {
  Fixture f;
  f.Add(1, 0);
  f.Add(2, 0);
  f.Add(1, 0);
  f.Add(2, 0);
  QueueCursor cursor(f.queue);
  EXPECT_EQ(cursor.Next()->job.id, JobId("1"));
  cursor.SkipGroup();
  EXPECT_EQ(cursor.Next()->job.id, JobId("2"));
  EXPECT_EQ(cursor.Next()->job.id, JobId("4"));
  EXPECT_EQ(cursor.Next(), nullptr);
  EXPECT_EQ(cursor.Next(), nullptr);
}

TEST(JobQueueTest, GroupsThatCannotStartAreNotWalked) {
  Fixture f;
  f.Add(1, 0);
  f.Add(2, 0)->kind->blocked_at = 8;
  f.Add(5, 0);
  EXPECT_EQ(Walk(QueueCursor(f.queue, 7, 8)), (Ids{"1", "3"}));
  EXPECT_EQ(Walk(QueueCursor(f.queue, 7, 9)), (Ids{"1", "2", "3"}));
  EXPECT_EQ(Walk(QueueCursor(f.queue, 4, 9)), (Ids{"1", "2"}));
  EXPECT_EQ(Walk(QueueCursor(f.queue, 0, 9)), Ids{});
}

TEST(JobQueueTest, AFilterMayBecomeStricterDuringAWalk) {
  Fixture f;
  f.Add(1, 0, 50);
  f.Add(2, 1, 50);
  f.Add(1, 2, 50);
  f.Add(2, 3, 10);
  f.Add(1, 4, 10);
  BackfillFilter filter{Duration(20), 1};
  QueueCursor cursor(f.queue, 7, 1, &filter);
  EXPECT_EQ(cursor.Next()->job.id, JobId("1"));
  filter.room = 0;
  EXPECT_EQ(cursor.Next()->job.id, JobId("4"));
  EXPECT_EQ(cursor.Next()->job.id, JobId("5"));
  EXPECT_EQ(cursor.Next(), nullptr);
  filter.room = 2;
  filter.barred = {f.queue.Front()->kind};
  EXPECT_EQ(Walk(QueueCursor(f.queue, 7, 1, &filter)), (Ids{"2", "4", "5"}));
}

TEST(JobQueueTest, GroupsWithoutJobsDoNotPileUp) {
  Fixture f;
  for (int round = 0; round < 2000; ++round) f.queue.Remove(f.Add(1 + round, 0));
  EXPECT_EQ(f.queue.size(), 0U);
  EXPECT_EQ(f.queue.leaves_wanted(), 0);
  EXPECT_EQ(f.queue.Front(), nullptr);
}

// Random walks with removal, filters that become stricter, and skipped groups, against a list.
TEST(JobQueueTest, RandomWalksAgreeWithASortedList) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 400; ++round) {
    Fixture f;
    std::vector<QueuedJob*> sorted;
    const auto jobs = random.NextBelow(60);
    for (uint64_t i = 0; i < jobs; ++i) {
      sorted.push_back(f.Add(
          1 + static_cast<int>(random.NextBelow(5)), static_cast<int64_t>(random.NextBelow(10)),
          static_cast<int64_t>(random.NextBelow(30)), 0, static_cast<int>(random.NextBelow(2))));
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->position < b->position; });
    BackfillFilter filter{Duration(static_cast<int64_t>(random.NextBelow(40))),
                          static_cast<int64_t>(random.NextBelow(6))};
    const int free = static_cast<int>(random.NextBelow(7));
    std::vector<QueuedJob*> left;
    std::vector<bool> skipped(6);
    QueueCursor cursor(f.queue, free, 1, &filter);
    for (QueuedJob* expected : sorted) {
      const int leaves = expected->job.request.leaf_count;
      if (skipped[static_cast<size_t>(leaves)] || leaves > free || !filter.Passes(*expected)) {
        left.push_back(expected);
        continue;
      }
      ASSERT_EQ(cursor.Next(), expected);
      switch (random.NextBelow(5)) {
        case 0:
          cursor.SkipGroup();
          skipped[static_cast<size_t>(leaves)] = true;
          left.push_back(expected);
          break;
        case 1: left.push_back(expected); break;
        case 2: filter.room = std::max<int64_t>(0, filter.room - 1); [[fallthrough]];
        default: f.queue.Remove(expected);
      }
    }
    ASSERT_EQ(cursor.Next(), nullptr);
    ASSERT_EQ(f.queue.size(), left.size());
    ASSERT_EQ(f.queue.Front(), left.empty() ? nullptr : left.front());
    int64_t wanted = 0;
    for (const QueuedJob* job : left) wanted += job->job.request.leaf_count;
    ASSERT_EQ(f.queue.leaves_wanted(), wanted);
  }
}

}  // namespace
}  // namespace flexmig::sched
