#include "report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machine.h"
#include "yardsticks.h"

namespace flexmig::perf {
namespace {

using testing::HasSubstr;

Record At(const std::string& library, int pass, double us) {
  Record record;
  record.library = library;
  record.collective = "all_reduce";
  record.type = "float32";
  record.op = "sum";
  record.ranks = 2;
  record.pass = pass;
  record.point.bytes = 64 << 10;
  record.point.count = 16 << 10;
  record.point.median_us = us;
  return record;
}

nlohmann::json FileOf(const std::vector<Record>& records) {
  nlohmann::json points = nlohmann::json::array();
  for (const Record& record : records) points.push_back(ToJson(record));
  return {{"format", kFileFormat},
          {"machine", DescribeMachine()},
          {"versions", {"Flex-MIG 1", ""}},
          {"failures", {"gloo was not there"}},
          {"points", points}};
}

TEST(ReportTest, RecordsSurviveTheFile) {
  Record record = At("flexmig", 2, 12.5);
  record.registered = record.fresh = true;
  record.point.wrong = 3;
  const auto read = RecordFromJson(ToJson(record));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(ToJson(*read), ToJson(record));
  nlohmann::json broken = ToJson(record);
  broken.erase("median_us");
  EXPECT_THAT(RecordFromJson(broken).status().message(), HasSubstr("median_us"));
}

TEST(ReportTest, TheBestPassCountsAndTheSpreadIsShown) {
  Results results;
  ASSERT_TRUE(results
                  .Add(FileOf({At("flexmig", 0, 30), At("openmpi", 0, 50), At("flexmig", 1, 20),
                               At("openmpi", 1, 40)}))
                  .ok());
  const auto goals = ParseGoals("2,ordinary,out,sync,32K,128K,all_reduce,1.9,2.1\n");
  ASSERT_TRUE(goals.ok());
  const std::string page = ReportText(results, *goals);
  EXPECT_THAT(page, HasSubstr("| 64K | 20.0 | 20.0..30.0 | 3.28 | - | 40.0 | 2.00 | - |"));
  EXPECT_THAT(page, HasSubstr("| 2.00 | 1.90 | pass | 2.00 | 2.10 | falls short |"));
  EXPECT_THAT(page, HasSubstr("1 of the 2 goals and gates that were measured pass."));
  EXPECT_THAT(page, HasSubstr("- gloo was not there"));
  EXPECT_THAT(page, HasSubstr("- Flex-MIG 1\n"));
}

TEST(ReportTest, WrongElementsAreInThePagesHead) {
  Results results;
  Record record = At("flexmig", 0, 1);
  record.point.wrong = 5;
  ASSERT_TRUE(results.Add(FileOf({record})).ok());
  EXPECT_THAT(ReportText(results, {}), HasSubstr("**5 elements of results were wrong.**"));
}

TEST(ReportTest, FilesOfOtherMachinesOrFormatsAreRefused) {
  Results results;
  ASSERT_TRUE(results.Add(FileOf({At("flexmig", 0, 1)})).ok());
  nlohmann::json other = FileOf({At("flexmig", 0, 1)});
  other["machine"]["date"] = "another day";
  EXPECT_TRUE(results.Add(other).ok());
  other["machine"]["kernel"] = "another kernel";
  EXPECT_THAT(results.Add(other).message(), HasSubstr("another kernel"));
  EXPECT_FALSE(results.Add({{"format", "hsm-perf/0"}}).ok());
  EXPECT_FALSE(results.Add(nlohmann::json::array()).ok());
}

TEST(ReportTest, TinyCallsAreHeldAgainstTheCacheLine) {
  Results results;
  Record tiny = At("flexmig", 0, 0.13);
  tiny.point.bytes = 8;
  tiny.back_to_back = true;
  ASSERT_TRUE(results.Add(FileOf({tiny})).ok());
  EXPECT_TRUE(HoldAgainstLimits(results).empty());
  Limits limits;
  limits.line_one_way_us = 0.1;
  ASSERT_TRUE(
      results
          .Add(
              {{"format", kFileFormat}, {"machine", DescribeMachine()}, {"limits", ToJson(limits)}})
          .ok());
  const auto yardsticks = HoldAgainstLimits(results);
  ASSERT_EQ(yardsticks.size(), 1u);
  EXPECT_EQ(yardsticks[0].distance, "1.30");
  EXPECT_EQ(yardsticks[0].verdict, Verdict::kPass);
}

TEST(ReportTest, FreshDataAreAModeOfTheirOwnWithoutGoals) {
  Record fresh = At("flexmig", 0, 30);
  Record fresh_peer = At("openmpi", 0, 60);
  fresh.fresh = fresh_peer.fresh = true;
  Results results;
  ASSERT_TRUE(
      results.Add(FileOf({At("flexmig", 0, 20), At("openmpi", 0, 80), fresh, fresh_peer})).ok());
  const auto goals = ParseGoals("2,ordinary,out,sync,32K,128K,all_reduce,3.9,-\n");
  ASSERT_TRUE(goals.ok());
  const std::string page = ReportText(results, *goals);
  EXPECT_THAT(page, HasSubstr("| 4.00 | 3.90 | pass |"));
  const size_t section = page.find("## Fresh data");
  ASSERT_NE(section, std::string::npos);
  const std::string before = page.substr(0, section);
  const std::string after = page.substr(section);
  EXPECT_THAT(before, HasSubstr("| 64K | 20.0 | 20.0..20.0 |"));
  EXPECT_THAT(before, testing::Not(HasSubstr("| 64K | 30.0")));
  EXPECT_THAT(after, HasSubstr("### all_reduce, float32, 2 ranks, sync, fresh data"));
  EXPECT_THAT(after, HasSubstr("| 64K | 30.0 | 30.0..30.0 | 2.18 | - | 60.0 | 2.00 | - |"));
  Results without;
  ASSERT_TRUE(without.Add(FileOf({At("flexmig", 0, 20)})).ok());
  EXPECT_THAT(ReportText(without, *goals), testing::Not(HasSubstr("Fresh")));
}

}  // namespace
}  // namespace flexmig::perf
