#include "pattern.h"

#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

using reduce::DataType;
using reduce::ReduceOp;

constexpr size_t kCount = 3 * Pattern::kPeriod + 17;

std::vector<std::byte> Filled(const Pattern& pattern, size_t first, DataType type) {
  std::vector<std::byte> data(kCount * reduce::ElementBytes(type));
  pattern.Fill(data.data(), first, kCount);
  return data;
}

TEST(PatternTest, WhatItFillsIsRightWhereverItBegins) {
  for (const DataType type : reduce::kAllDataTypes) {
    const auto pattern = Pattern::OfRank(1, 4, type, ReduceOp::kSum);
    ASSERT_TRUE(pattern.ok());
    for (const size_t first : {size_t{0}, size_t{1}, Pattern::kPeriod - 1, size_t{1} << 20}) {
      const auto data = Filled(*pattern, first, type);
      EXPECT_EQ(pattern->CountWrong(data.data(), first, kCount), 0u);
    }
  }
}

TEST(PatternTest, OneChangedElementIsOneWrong) {
  const auto pattern = Pattern::OfRank(0, 2, DataType::kBfloat16, ReduceOp::kSum);
  ASSERT_TRUE(pattern.ok());
  auto data = Filled(*pattern, 0, DataType::kBfloat16);
  data[2 * (Pattern::kPeriod + 5)] ^= std::byte{1};
  EXPECT_EQ(pattern->CountWrong(data.data(), 0, kCount), 1u);
}

TEST(PatternTest, MisplacedChunksAreWrong) {
  const auto pattern = Pattern::OfRank(0, 2, DataType::kFloat32, ReduceOp::kSum);
  ASSERT_TRUE(pattern.ok());
  const auto data = Filled(*pattern, 0, DataType::kFloat32);
  for (size_t distance = 1; distance <= size_t{1} << 24; distance *= 2) {
    EXPECT_GT(pattern->CountWrong(data.data(), distance, kCount), kCount / 2) << distance;
  }
}

TEST(PatternTest, RanksDiffer) {
  const auto zero = Pattern::OfRank(0, 2, DataType::kFloat32, ReduceOp::kSum);
  const auto one = Pattern::OfRank(1, 2, DataType::kFloat32, ReduceOp::kSum);
  ASSERT_TRUE(zero.ok() && one.ok());
  const auto data = Filled(*zero, 0, DataType::kFloat32);
  EXPECT_GT(one->CountWrong(data.data(), 0, kCount), kCount / 2);
}

TEST(PatternTest, SumsOfFloatsAreExactInAnyOrder) {
  constexpr int kRanks = 8;
  const auto reduced = Pattern::Reduced(kRanks, DataType::kFloat32, ReduceOp::kSum);
  ASSERT_TRUE(reduced.ok());
  std::vector<float> sum(kCount, 0);
  std::vector<float> input(kCount);
  for (int rank = kRanks - 1; rank >= 0; --rank) {
    const auto pattern = Pattern::OfRank(rank, kRanks, DataType::kFloat32, ReduceOp::kSum);
    ASSERT_TRUE(pattern.ok());
    pattern->Fill(reinterpret_cast<std::byte*>(input.data()), 0, kCount);
    for (size_t i = 0; i < kCount; ++i) sum[i] += input[i];
  }
  EXPECT_EQ(reduced->CountWrong(reinterpret_cast<const std::byte*>(sum.data()), 0, kCount), 0u);
}

}  // namespace
}  // namespace flexmig::perf
