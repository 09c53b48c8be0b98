#include "flexmig/alloc/index_set.h"

#include <set>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::alloc {
namespace {

TEST(IndexSetTest, AgreesWithAnOrderedSetAtEveryNumberOfLevels) {
  for (const int bound : {1, 63, 64, 65, 4096, 4097, 300'000}) {
    SplitMix64 random(static_cast<uint64_t>(bound));
    IndexSet set(bound);
    std::set<int> model;
    EXPECT_TRUE(set.empty());
    for (int step = 0; step < 4'000; ++step) {
      // Near the ends and anywhere: neighbours share words, strangers do not.
      const auto any = static_cast<int>(random.NextBelow(static_cast<uint64_t>(bound)));
      const int number = step % 3 == 0 ? std::min(bound - 1, any % 130) : any;
      if (random.NextBelow(5) < 2) {
        set.Insert(number);
        model.insert(number);
      } else {
        set.Erase(number);
        model.erase(number);
      }
      ASSERT_EQ(set.empty(), model.empty());
      ASSERT_EQ(set.Contains(number), model.contains(number));
      const auto from = static_cast<int>(random.NextBelow(static_cast<uint64_t>(bound)));
      const auto next = model.lower_bound(from);
      ASSERT_EQ(set.Next(from), next == model.end() ? IndexSet::kNone : *next);
      const auto above = model.upper_bound(from);
      ASSERT_EQ(set.Previous(from), above == model.begin() ? IndexSet::kNone : *std::prev(above));
      ASSERT_EQ(set.First(), model.empty() ? IndexSet::kNone : *model.begin());
    }
  }
}

TEST(IndexSetTest, NothingIsFoundBehindTheEnd) {
  IndexSet set(64);
  set.Insert(63);
  EXPECT_EQ(set.Next(63), 63);
  EXPECT_EQ(set.Next(64), IndexSet::kNone);
  EXPECT_EQ(IndexSet(0).Next(0), IndexSet::kNone);
  EXPECT_TRUE(IndexSet(0).empty());
}

}  // namespace
}  // namespace flexmig::alloc
