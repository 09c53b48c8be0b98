#include "flexmig/sched/queue_policy.h"

#include <limits>

#include <gtest/gtest.h>

namespace flexmig::sched {
namespace {

TEST(QueuePolicyTest, EveryNameMakesThePolicyOfThatName) {
  for (const std::string& name : QueuePolicyNames()) {
    const auto policy = MakeQueuePolicy(name);
    ASSERT_TRUE(policy.ok()) << name;
    EXPECT_EQ((*policy)->name(), name);
  }
}

TEST(QueuePolicyTest, UnknownNamesListTheKnownOnes) {
  const auto policy = MakeQueuePolicy("lifo");
  EXPECT_EQ(policy.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(policy.status().message(),
            "no queue policy 'lifo'; there are fifo, fifo-skip, sjf, easy, conservative");
}

TEST(QueuePolicyTest, OnlySjfLooksAtEstimates) {
  Job job;
  EXPECT_EQ((*MakeQueuePolicy("sjf"))->KeyOf(job), std::numeric_limits<int64_t>::max());
  job.estimate = Duration(42);
  EXPECT_EQ((*MakeQueuePolicy("sjf"))->KeyOf(job), 42);
  EXPECT_EQ((*MakeQueuePolicy("fifo"))->KeyOf(job), 0);
  EXPECT_EQ((*MakeQueuePolicy("fifo-skip"))->KeyOf(job), 0);
  EXPECT_EQ((*MakeQueuePolicy("easy"))->KeyOf(job), 0);
  EXPECT_EQ((*MakeQueuePolicy("conservative"))->KeyOf(job), 0);
}

TEST(QueuePolicyTest, OnlyStrictFifoKeepsTheLineClosed) {
  EXPECT_FALSE((*MakeQueuePolicy("fifo"))->skips());
  EXPECT_TRUE((*MakeQueuePolicy("fifo-skip"))->skips());
  EXPECT_TRUE((*MakeQueuePolicy("sjf"))->skips());
  EXPECT_TRUE((*MakeQueuePolicy("easy"))->skips());
  EXPECT_TRUE((*MakeQueuePolicy("conservative"))->skips());
}

}  // namespace
}  // namespace flexmig::sched
