#include "flexmig/sched/job_queue.h"

#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sched {
namespace {

// Owns what the queue points to.
class Fixture {
 public:
  QueuedJob* Add(int leaves, int64_t key) {
    QueuedJob& job = jobs_.emplace_back();
    job.job.id = JobId(StrCat(jobs_.size()));
    job.job.request.leaf_count = leaves;
    job.position = {key, jobs_.size()};
    job.shape = queue.ShapeOf(job.job.request).shape;
    queue.Add(&job);
    return &job;
  }
  JobQueue queue;

 private:
  std::deque<QueuedJob> jobs_;
};

std::vector<std::string> Walk(QueueCursor cursor) {
  std::vector<std::string> ids;
  while (const QueuedJob* job = cursor.Next()) ids.push_back(job->job.id.value());
  return ids;
}

TEST(JobQueueTest, EqualRequestsShareAShape) {
  JobQueue queue;
  const alloc::AllocationRequest request{3, Bytes::GiB(4), 2, 1};
  const auto first = queue.ShapeOf(request);
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(queue.ShapeOf(request).is_new);
  EXPECT_EQ(queue.ShapeOf(request).shape, first.shape);
  for (const alloc::AllocationRequest& other : {alloc::AllocationRequest{2, Bytes::GiB(4), 2, 1},
                                                alloc::AllocationRequest{3, Bytes::GiB(5), 2, 1},
                                                alloc::AllocationRequest{3, Bytes::GiB(4), 1, 1},
                                                alloc::AllocationRequest{3, Bytes::GiB(4), {}, 1},
                                                alloc::AllocationRequest{3, Bytes::GiB(4), 2, 0}}) {
    EXPECT_NE(queue.ShapeOf(other).shape, first.shape);
  }
}

TEST(JobQueueTest, AWalkMergesTheShapesInQueueOrder) {
  Fixture f;
  EXPECT_EQ(f.queue.Front(), nullptr);
  EXPECT_TRUE(Walk(QueueCursor(f.queue)).empty());
  f.Add(1, 5);  // "1"
  f.Add(2, 3);
  f.Add(1, 3);
  f.Add(7, 4);
  EXPECT_EQ(f.queue.Front()->job.id, JobId("2"));
  EXPECT_EQ(Walk(QueueCursor(f.queue)), (std::vector<std::string>{"2", "3", "4", "1"}));
}

TEST(JobQueueTest, ASkippedShapeIsLeftOutFromThereOn) {
  Fixture f;
  f.Add(1, 0);
  f.Add(2, 0);
  f.Add(1, 0);
  f.Add(2, 0);
  QueueCursor cursor(f.queue);
  EXPECT_EQ(cursor.Next()->job.id, JobId("1"));
  cursor.SkipShape();
  EXPECT_EQ(cursor.Next()->job.id, JobId("2"));
  EXPECT_EQ(cursor.Next()->job.id, JobId("4"));
  EXPECT_EQ(cursor.Next(), nullptr);
  EXPECT_EQ(cursor.Next(), nullptr);
}

TEST(JobQueueTest, ShapesBlockedAtThisGrowthAreNotWalked) {
  Fixture f;
  f.Add(1, 0);
  f.Add(2, 0)->shape->blocked_at = 8;
  EXPECT_EQ(Walk(QueueCursor(f.queue, 8)), (std::vector<std::string>{"1"}));
  EXPECT_EQ(Walk(QueueCursor(f.queue, 9)), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(Walk(QueueCursor(f.queue)), (std::vector<std::string>{"1", "2"}));
}

TEST(JobQueueTest, ShapesWithoutJobsDoNotPileUp) {
  Fixture f;
  const QueuedJob* kept = f.Add(1, 0);
  QueueShape* shape = kept->shape;
  for (int leaves = 2; leaves < 2000; ++leaves) {
    alloc::AllocationRequest request;
    request.leaf_count = leaves;
    f.queue.ShapeOf(request);
  }
  EXPECT_EQ(f.queue.ShapeOf(kept->job.request).shape, shape);
  alloc::AllocationRequest early;
  early.leaf_count = 2;
  EXPECT_TRUE(f.queue.ShapeOf(early).is_new);  // it was forgotten
}

TEST(JobQueueTest, RandomWalksWithRemovalAgreeWithASortedList) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 200; ++round) {
    Fixture f;
    std::vector<QueuedJob*> sorted;
    const auto jobs = random.NextBelow(60);
    for (uint64_t i = 0; i < jobs; ++i) {
      sorted.push_back(f.Add(1 + static_cast<int>(random.NextBelow(5)),
                             static_cast<int64_t>(random.NextBelow(10))));
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->position < b->position; });
    std::vector<QueuedJob*> left;
    std::vector<bool> skipped(6);
    QueueCursor cursor(f.queue);
    for (QueuedJob* expected : sorted) {
      const auto shape = static_cast<size_t>(expected->job.request.leaf_count);
      if (skipped[shape]) {
        left.push_back(expected);
        continue;
      }
      ASSERT_EQ(cursor.Next(), expected);
      switch (random.NextBelow(4)) {
        case 0:
          cursor.SkipShape();
          skipped[shape] = true;
          left.push_back(expected);
          break;
        case 1: left.push_back(expected); break;
        default: f.queue.Remove(expected);
      }
    }
    ASSERT_EQ(cursor.Next(), nullptr);
    ASSERT_EQ(f.queue.size(), left.size());
    ASSERT_EQ(f.queue.Front(), left.empty() ? nullptr : left.front());
  }
}

}  // namespace
}  // namespace flexmig::sched
