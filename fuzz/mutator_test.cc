#include "mutator.h"

#include <set>

#include <gtest/gtest.h>

namespace flexmig::fuzz {
namespace {

TEST(MutatorTest, EqualSeedsGiveEqualInputs) {
  const std::vector<std::string> corpus{"RANK=0\n", "WORLD_SIZE=4\n"};
  Mutator a(corpus, 3);
  Mutator b(corpus, 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.Next(), b.Next()) << i;
}

TEST(MutatorTest, InputsAreManyAndNearTheCorpus) {
  const std::vector<std::string> corpus{"0123456789"};
  Mutator mutator(corpus, 1);
  std::set<std::string> distinct;
  bool longer = false;
  bool shorter = false;
  for (int i = 0; i < 1000; ++i) {
    const std::string input = mutator.Next();
    longer |= input.size() > 10;
    shorter |= input.size() < 10;
    distinct.insert(input);
  }
  EXPECT_GT(distinct.size(), 500U);
  EXPECT_TRUE(longer && shorter);
}

TEST(MutatorTest, AnEmptyCorpusFileGrows) {
  const std::vector<std::string> corpus{""};
  Mutator mutator(corpus, 1);
  size_t longest = 0;
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, mutator.Next().size());
  EXPECT_GT(longest, 1U);
}

TEST(MutatorTest, InputsStayBelowTheLimit) {
  const std::vector<std::string> corpus{std::string(kMaxInputBytes, 'x')};
  Mutator mutator(corpus, 1);
  for (int i = 0; i < 200; ++i) ASSERT_LE(mutator.Next().size(), kMaxInputBytes);
}

}  // namespace
}  // namespace flexmig::fuzz
