#include "waiting.h"

#include <memory>

#include <gtest/gtest.h>

namespace flexmig::coll {
namespace {

constexpr int kRanks = 4;

class FollowWaitsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto memory = shm::Segment::Format({kRanks, 4, 256, 128}, {});
    ASSERT_TRUE(memory.ok()) << memory.status().ToString();
    auto segment = shm::Segment::Attach(*std::move(memory));
    ASSERT_TRUE(segment.ok()) << segment.status().ToString();
    segment_ = *std::move(segment);
    for (int rank = 0; rank < kRanks; ++rank) {
      said_[rank] = std::make_unique<SaidWaiting>(segment_->rank_block(rank));
    }
  }
  void TearDown() override {
    for (auto& said : said_) said.reset();
    for (int rank = 0; rank < kRanks; ++rank) {
      EXPECT_EQ(segment_->rank_block(rank).waits_for.load(), 0u);
    }
  }
  // What rank 0 finds if it waits for rank 1: the ranks on the way, and the last one's peer.
  std::vector<int> Follow() {
    const auto links = FollowWaits(*segment_, {0, {1, Word::kStaged, 7}});
    EXPECT_EQ(links.front().waiting.target, 7u);
    std::vector<int> ranks;
    for (const WaitLink& link : links) ranks.push_back(link.rank);
    ranks.push_back(links.back().waiting.peer);
    return ranks;
  }

  std::unique_ptr<shm::Segment> segment_;
  std::unique_ptr<SaidWaiting> said_[kRanks];
};

TEST_F(FollowWaitsTest, RankThatDoesNotWaitIsTheOne) {
  EXPECT_EQ(Follow(), (std::vector<int>{0, 1}));
}

TEST_F(FollowWaitsTest, GoesOnToTheRankThatHoldsUpTheOthers) {
  said_[1]->Say({3, Word::kWritten, 2});
  EXPECT_EQ(Follow(), (std::vector<int>{0, 1, 3}));
  said_[3]->Say({2, Word::kTaken, uint64_t{1} << 50});
  EXPECT_EQ(Follow(), (std::vector<int>{0, 1, 3, 2}));
}

// As one that was stopped in its wait.
TEST_F(FollowWaitsTest, RankWhoseWaitIsOverIsTheOne) {
  for (const Word word : {Word::kAnnouncement, Word::kStaged, Word::kReduced, Word::kConsumed,
                          Word::kCompleted, Word::kWritten, Word::kTaken}) {
    const Waiting waiting{2, word, 21};
    said_[1]->Say(waiting);
    shm::Counter& counter = CounterOf(*segment_, 1, waiting);
    ASSERT_EQ(Follow(), (std::vector<int>{0, 1, 2}));
    shm::Publish(counter, 20);
    ASSERT_EQ(Follow(), (std::vector<int>{0, 1, 2}));
    shm::Publish(counter, 21);
    ASSERT_EQ(Follow(), (std::vector<int>{0, 1}));
  }
}

TEST_F(FollowWaitsTest, RanksThatWaitInACircleNameTheFirst) {
  said_[1]->Say({2, Word::kWritten, 1});
  said_[2]->Say({1, Word::kWritten, 1});
  EXPECT_EQ(Follow(), (std::vector<int>{0, 1}));
  said_[2]->Say({0, Word::kWritten, 1});
  said_[0]->Say({1, Word::kStaged, 7});
  EXPECT_EQ(Follow(), (std::vector<int>{0, 1}));
}

}  // namespace
}  // namespace flexmig::coll
