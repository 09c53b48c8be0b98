#include "goals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

Record At(const std::string& library, uint64_t bytes, double us) {
  Record record;
  record.library = library;
  record.collective = "all_reduce";
  record.type = "float32";
  record.ranks = 2;
  record.point.bytes = bytes;
  record.point.median_us = us;
  return record;
}

Goal OneGoal(const char* line) {
  const auto goals = ParseGoals(line);
  EXPECT_TRUE(goals.ok()) << goals.status().message();
  return goals->at(0);
}

TEST(GoalsTest, ReadsALine) {
  const auto goals = ParseGoals(
      "# a comment\n\n4,registered,in,back_to_back,512,8K,reduce_scatter,1.95,-\n"
      "2,ordinary,out,sync,8M,-,all_reduce,-,2.5\n2,ordinary,out,sync,0,0,barrier,1.5,1.4\n");
  ASSERT_TRUE(goals.ok()) << goals.status().message();
  ASSERT_EQ(goals->size(), 3u);
  const Goal& first = goals->at(0);
  EXPECT_EQ(first.ranks, 4);
  EXPECT_TRUE(first.registered && first.in_place && first.back_to_back);
  EXPECT_EQ(first.min_bytes, 512u);
  EXPECT_EQ(first.max_bytes, 8192u);
  EXPECT_EQ(first.collective, "reduce_scatter");
  EXPECT_EQ(first.goal, 1.95);
  EXPECT_FALSE(first.gate.has_value());
  EXPECT_EQ(ClassName(first), "512 to 8K");
  EXPECT_EQ(ClassName(goals->at(1)), "from 8M");
  EXPECT_EQ(ClassName(goals->at(2)), "");
}

TEST(GoalsTest, ErrorsNameLineAndColumn) {
  const auto error = [](const char* text) { return ParseGoals(text).status().message(); };
  EXPECT_THAT(error("2,ordinary,out,sync,1,128,all_reduce,1.6"), testing::StartsWith("1:1: "));
  EXPECT_THAT(error("\n2,odd,out,sync,1,128,all_reduce,1,1"), testing::StartsWith("2:3: "));
  EXPECT_THAT(error("2,ordinary,out,sync,1,12q,all_reduce,1,1"), testing::StartsWith("1:23: "));
  EXPECT_THAT(error("2,ordinary,out,sync,1,128,sum,1,1"), testing::StartsWith("1:27: "));
  EXPECT_THAT(error("2,ordinary,out,sync,1,128,all_reduce,1,x"), testing::StartsWith("1:40: "));
}

TEST(GoalsTest, JudgesTheGeometricMeanOverTheClass) {
  Results results;
  results.AddRecord(At("flexmig", 8, 1));
  results.AddRecord(At("openmpi", 8, 4));
  results.AddRecord(At("flexmig", 32, 1));
  results.AddRecord(At("openmpi", 32, 1));
  results.AddRecord(At("flexmig", 512, 1));  // of another class
  results.AddRecord(At("openmpi", 512, 100));
  const Outcome outcome =
      Judge(OneGoal("2,ordinary,out,sync,1,128,all_reduce,2.0,2.1"), "float32", results);
  EXPECT_EQ(outcome.sizes, 2u);
  EXPECT_DOUBLE_EQ(*outcome.against_best, 2);
  EXPECT_EQ(outcome.goal, Verdict::kPass);
  EXPECT_EQ(outcome.gate, Verdict::kFallsShort);
}

TEST(GoalsTest, AGateIgnoresPeersThatAreNoMpi) {
  Results results;
  results.AddRecord(At("flexmig", 8, 1));
  results.AddRecord(At("mpich", 8, 3));
  results.AddRecord(At("gloo", 8, 1.5));
  const Outcome outcome =
      Judge(OneGoal("2,ordinary,out,sync,1,128,all_reduce,2.0,2.0"), "float32", results);
  EXPECT_DOUBLE_EQ(*outcome.against_best, 1.5);
  EXPECT_DOUBLE_EQ(*outcome.against_mpi, 3);
  EXPECT_EQ(outcome.goal, Verdict::kFallsShort);
  EXPECT_EQ(outcome.gate, Verdict::kPass);
}

TEST(GoalsTest, WhatWasNotMeasuredNeitherPassesNorFallsShort) {
  Results results;
  results.AddRecord(At("flexmig", 8, 1));
  const Outcome alone =
      Judge(OneGoal("2,ordinary,out,sync,1,128,all_reduce,2,2"), "float32", results);
  EXPECT_EQ(alone.goal, Verdict::kNotMeasured);
  EXPECT_EQ(alone.gate, Verdict::kNotMeasured);
  EXPECT_EQ(VerdictName(alone.goal), "-");
  results.AddRecord(At("openmpi", 8, 9));
  const Outcome registered =
      Judge(OneGoal("2,registered,out,sync,1,128,all_reduce,2,2"), "float32", results);
  EXPECT_EQ(registered.goal, Verdict::kNotMeasured);
}

}  // namespace
}  // namespace flexmig::perf
