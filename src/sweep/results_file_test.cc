#include "flexmig/sweep/results_file.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::sweep {
namespace {

using testing::HasSubstr;

Setting SomeSetting(uint64_t seed = 1) {
  return {"t \"1\".csv",
          "a100-40",
          "8x8",
          "any",
          "seeded-mix:1=1/7=2",
          "skip",
          "order",
          "1.3",
          "light",
          "same",
          "easy",
          "topo",
          "links:step=1s,overlap=0",
          "",
          seed,
          "flexmig"};
}

RunResult SomeResult() {
  RunResult result;
  result.description = "what it does";
  result.offered_load = 1.25;
  result.summary.policy = "flexmig";
  result.summary.role = sim::Role::kFlexmig;
  result.summary.jobs_done = 10;
  result.summary.jobs_left_out = 2;
  result.summary.makespan = std::chrono::microseconds(123'456'789);
  result.summary.mean_jct_s = 0.1;
  result.summary.held_utilisation = 1.0 / 3;
  result.summary.first_rejection = "job 7: \xff too wide";
  return result;
}

class ResultsFileTest : public testing::Test {
 protected:
  ResultsFileTest() : path_(testing::TempDir() + StrCat("sweep-", ::getpid(), ".jsonl")) {}
  ResultsFileTest(const ResultsFileTest&) = delete;
  ResultsFileTest& operator=(const ResultsFileTest&) = delete;
  ~ResultsFileTest() override { std::filesystem::remove(path_); }
  void Add(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }
  Status Append(uint64_t seed) const {
    FLEXMIG_ASSIGN_OR_RETURN(ResultsWriter writer, ResultsWriter::Open(path_));
    return writer.Append(SomeSetting(seed), SomeResult());
  }

  const std::filesystem::path path_;
};

TEST(ResultLineTest, KeepsEverything) {
  const auto parsed = ParseLine(RenderLine(SomeSetting(), SomeResult()));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->first, SomeSetting());
  const sim::Summary& summary = parsed->second.summary;
  EXPECT_EQ(summary.policy, "flexmig");
  EXPECT_EQ(summary.role, sim::Role::kFlexmig);
  EXPECT_EQ(summary.makespan, SomeResult().summary.makespan);
  EXPECT_EQ(summary.held_utilisation, 1.0 / 3);
  EXPECT_EQ(summary.jobs_left_out, 2);
  EXPECT_EQ(parsed->second.offered_load, 1.25);
  EXPECT_EQ(RenderLine(parsed->first, parsed->second).find('\n'), std::string::npos);
}

TEST(ResultLineTest, WhoMaySpanNodesIsSaidOnlyWhereThereAreNodes) {
  Setting one_node = SomeSetting();
  one_node.cluster = "8";
  one_node.span_nodes = "";
  const std::string line = RenderLine(one_node, SomeResult());
  EXPECT_EQ(line.find("span_nodes"), std::string::npos);
  const auto parsed = ParseLine(line);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->first, one_node);
  std::string pool = line;
  pool.replace(pool.find("\"8\""), 3, "\"1x8\"");
  EXPECT_EQ(ParseLine(pool).status().message(), "'span_nodes' is missing");
}

TEST(ResultLineTest, RefusesAllElse) {
  const std::string good = RenderLine(SomeSetting(), SomeResult());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& line :
       {std::string(), std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2),
        with("sweep/v2", "sweep/v1"), with("\"seed\":1", "\"seed\":-1"),
        with("\"seed\":1", "\"seed\":\"1\""), with("\"mean_jct_s\":0.1", "\"mean_jct_s\":1e999"),
        with("\"jobs_done\":10", "\"jobs_done\":1.5"), with("\"queue\"", "\"quey\""),
        with("\"role\":\"flexmig\"", "\"role\":\"hero\""), with("\"mean_jct_s\":0.1,", ""),
        with("{\"description\"", "{\"more\":1,\"description\"")}) {
    EXPECT_EQ(ParseLine(line).status().code(), StatusCode::kInvalidArgument) << line;
  }
}

TEST_F(ResultsFileTest, LinesAddUp) {
  EXPECT_EQ(ReadResults(path_).status().code(), StatusCode::kNotFound);
  ASSERT_EQ(Append(1), OkStatus());
  ASSERT_EQ(Append(2), OkStatus());
  const auto results = ReadResults(path_);
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  EXPECT_EQ(results->size(), 2u);
}

// As a kill in the middle of a write leaves it.
TEST_F(ResultsFileTest, ABegunLineIsPassedOverAndThenCutOff) {
  ASSERT_EQ(Append(1), OkStatus());
  Add(RenderLine(SomeSetting(2), SomeResult()).substr(0, 100));
  EXPECT_EQ(ReadResults(path_)->size(), 1u);
  ASSERT_EQ(Append(3), OkStatus());
  const auto results = ReadResults(path_);
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  EXPECT_EQ(results->size(), 2u);
  EXPECT_EQ(results->count(SomeSetting(2)), 0u);
}

TEST_F(ResultsFileTest, ErrorsNameTheLine) {
  ASSERT_EQ(Append(1), OkStatus());
  Add("{\n");
  EXPECT_THAT(ReadResults(path_).status().message(), HasSubstr(path_.string() + ":2: column "));
}

TEST_F(ResultsFileTest, ASettingOccursOnce) {
  ASSERT_EQ(Append(1), OkStatus());
  ASSERT_EQ(Append(1), OkStatus());
  EXPECT_THAT(ReadResults(path_).status().message(), HasSubstr(":2: this setting has a result"));
}

TEST_F(ResultsFileTest, HasOneWriter) {
  const auto writer = ResultsWriter::Open(path_);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(ResultsWriter::Open(path_).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace flexmig::sweep
