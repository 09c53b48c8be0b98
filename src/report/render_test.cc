#include "flexmig/report/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "page_text.h"
#include "report_for_test.h"
#include "report_json.h"

namespace flexmig::report {
namespace {

using nlohmann::json;

ReportData Comparison(const std::vector<std::string>& policies, const std::vector<double>& loads,
                      const std::vector<uint64_t>& seeds) {
  ReportData data;
  data.title = "t";
  data.gpu_count = 1;
  data.slices_per_gpu = 7;
  for (const std::string& name : policies) {
    data.policies.push_back(
        {name, name == "flexmig" ? sim::Role::kFlexmig : sim::Role::kBaseline, "d"});
  }
  for (const double load : loads) {
    for (const uint64_t seed : seeds) {
      for (size_t p = 0; p < policies.size(); ++p) {
        data.runs.push_back(
            Record({p, policies[p], load, "", seed}, Records({{0, 100, 42}, {0, 60, 57}}), 1).run);
      }
    }
  }
  return data;
}

TEST(RenderTest, SummaryIsJsonWithALineForEachRun) {
  const std::string text =
      RenderSummaryJson(Comparison({"exclusive", "flexmig"}, {0.5, 1}, {1, 2}));
  const json parsed = json::parse(text);
  EXPECT_EQ(parsed["format"], "flexmig-simulation/1");
  ASSERT_EQ(parsed["runs"].size(), 8U);
  EXPECT_EQ(parsed["runs"][3]["seed"], 2);
  EXPECT_EQ(parsed["runs"][3]["summary"]["policy"], "flexmig");
  EXPECT_EQ(parsed["runs"][3]["summary"]["makespan_s"], 100);
  // exclusive: 65 s, then 43.8 s.
  EXPECT_DOUBLE_EQ(parsed["runs"][3]["summary"]["makespan_over_best_baseline"], 100 / 108.8);
  EXPECT_EQ(parsed["runs"][2]["summary"]["makespan_over_best_baseline"], 1);
  EXPECT_FALSE(parsed["runs"][0].contains("detail"));
  EXPECT_THAT(text,
              testing::HasSubstr("\n    {\"policy\":1,\"load\":1.0,\"setting\":\"\",\"seed\":2,"));
}

TEST(RenderTest, PageHasDetailsOfTheFirstSeedOfEachPolicyAndLoad) {
  const json parsed =
      json::parse(RenderPageJson(Comparison({"exclusive", "flexmig"}, {0.5, 1}, {1, 2})));
  int detailed = 0;
  for (const json& run : parsed["runs"]) {
    EXPECT_EQ(run.contains("detail"), run["seed"] == 1);
    detailed += run.contains("detail") ? 1 : 0;
  }
  EXPECT_EQ(detailed, 4);
}

TEST(RenderTest, NumberOfDetailedRunsIsBounded) {
  std::vector<double> loads;
  for (int i = 1; i <= 40; ++i) loads.push_back(i / 10.0);
  const json parsed = json::parse(RenderPageJson(Comparison({"flexmig"}, loads, {1})));
  size_t detailed = 0;
  for (const json& run : parsed["runs"]) detailed += run.contains("detail") ? 1U : 0U;
  EXPECT_EQ(detailed, kMaxDetailedRuns);
}

// Everything that can carry text from outside carries what would break out of its place.
void Poison(ReportData& data, const std::string& text) {
  data.title = data.version = data.trace_name = data.trace_sha256 = data.gpu_product = text;
  data.command = {text};
  data.assumptions = {{text, text}};
  for (auto& policy : data.policies) policy.name = policy.description = text;
  for (ReportRun& run : data.runs) {
    run.key.setting = run.key.policy_name = run.summary.policy = run.summary.first_rejection = text;
    for (Gantt::Job& job : run.detail->gantt.jobs) job.id = text;
  }
}

TEST(RenderTest, HostileTextNeverLeavesItsPlace) {
  ReportData data = Comparison({"flexmig"}, {1}, {1});
  std::vector<std::string> hostile = {"</script><script>alert(1)</script>",
                                      "<!--<script>",
                                      "{{d3}}{{data}}",
                                      "\"'><img src=x onerror=alert(1)>",
                                      "\xe2\x80\xa8\xe2\x80\xa9",
                                      std::string("\0\x01\x7f\xff\xc0\xaf", 6),
                                      "]]>&lt;&#60;"};
  SplitMix64 random(1);
  for (int i = 0; i < 40; ++i) {
    std::string noise;
    const std::string_view letters = "<>/&\"'{}!-sScript=\\\n\r\t\xc3\xa9\x80";
    for (int j = 0; j < 40; ++j) noise += letters[random.NextBelow(letters.size())];
    hostile.push_back(noise);
  }
  for (const std::string& text : hostile) {
    Poison(data, text);
    const std::string page_json = RenderPageJson(data);
    EXPECT_EQ(page_json.find_first_of("<>&\n"), std::string::npos);
    for (const char c : page_json) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
    ASSERT_TRUE(json::accept(page_json));
    ASSERT_TRUE(json::accept(RenderSummaryJson(data)));
  }
}

TEST(RenderTest, TextComesBackAsItWas) {
  ReportData data = Comparison({"flexmig"}, {1}, {1});
  const std::string text = "</script>&amp;\"\\{{title}} \xc3\xa9";
  Poison(data, text);
  const json parsed = json::parse(RenderPageJson(data));
  EXPECT_EQ(parsed["title"], text);
  EXPECT_EQ(parsed["runs"][0]["detail"]["gantt"]["jobs"][0][0], text);
}

ComparisonData Sweep() {
  ComparisonData data;
  data.title = "t";
  data.fields = {"trace", "load"};
  data.workloads = {{"a.csv", "0.8"}, {"a.csv", "1.3"}};
  data.policies = {{"exclusive", sim::Role::kBaseline}, {"flexmig", sim::Role::kFlexmig}};
  for (const uint64_t seed : {1, 2}) {
    for (const size_t workload : {0, 1}) {
      for (const size_t policy : {0, 1}) {
        ComparisonData::Run& run = data.runs.emplace_back();
        run.workload = workload;
        run.policy = policy;
        run.seed = seed;
        run.description = policy == 0 ? "whole GPUs" : "leaves";
        run.summary.makespan = std::chrono::seconds(1000 * seed + 100 * workload + policy);
        if (policy == 1) run.makespan_over_best_baseline = 0.5;
      }
    }
  }
  return data;
}

TEST(RenderTest, ComparisonHasEveryRunAndEachDescriptionOnce) {
  const json parsed = json::parse(RenderPageJson(Sweep()));
  EXPECT_EQ(parsed["format"], "flexmig-comparison/1");
  EXPECT_EQ(parsed["workloads"][1][1], "1.3");
  EXPECT_EQ(parsed["descriptions"], json({"whole GPUs", "leaves"}));
  ASSERT_EQ(parsed["runs"].size(), 8U);
  const json& last = parsed["runs"][7];
  EXPECT_EQ(last["workload"], 1);
  EXPECT_EQ(last["policy"], 1);
  EXPECT_EQ(last["seed"], 2);
  EXPECT_EQ(last["description"], 1);
  EXPECT_EQ(last["offered_load"], nullptr);
  EXPECT_EQ(last["summary"]["makespan_s"], 2101);
  EXPECT_EQ(last["summary"]["makespan_over_best_baseline"], 0.5);
  EXPECT_EQ(last["summary"]["mean_jct_over_best_baseline"], nullptr);
}

TEST(RenderTest, HostileTextOfAComparisonNeverLeavesItsPlace) {
  ComparisonData data = Sweep();
  const std::string text = "</script><img src=x>&\u2028{{d3}}\xff\n";
  data.title = data.version = text;
  data.command = data.fields = data.workloads[0] = {text, text};
  data.policies[0].name = data.runs[0].description = data.runs[0].summary.policy = text;
  const std::string page_json = RenderPageJson(data);
  EXPECT_EQ(page_json.find_first_of("<>&\n"), std::string::npos);
  EXPECT_TRUE(json::accept(page_json));
}

class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanRenderHtml()) GTEST_SKIP() << "built without d3 (Debian: node-d3)";
  }
};

TEST_F(PageTest, HoldsEverythingItNeeds) {
  const auto page = RenderHtml(Comparison({"flexmig"}, {1}, {1}));
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  for (const std::string_view part : {kPageStyle, kSharedScript, kSimulationScript, kD3Script}) {
    EXPECT_NE(page->find(part), std::string::npos);
  }
  EXPECT_THAT(*page, testing::Not(testing::HasSubstr("{{")));
  EXPECT_THAT(*page, testing::HasSubstr("Redistribution and use"));
  for (const char* reference : {" src=", " href=", "@import", "url(http"}) {
    EXPECT_EQ(kPageHtml.find(reference), std::string_view::npos) << reference;
    EXPECT_EQ(kPageStyle.find(reference), std::string_view::npos) << reference;
  }
}

TEST_F(PageTest, TitleIsEscapedAndScriptsStayThree) {
  ReportData data = Comparison({"flexmig"}, {1}, {1});
  Poison(data, "</title></script><script>alert('x')</script>{{d3}}");
  const auto page = RenderHtml(data);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(*page, testing::HasSubstr("<title>&lt;/title&gt;&lt;/script&gt;"));
  size_t scripts = 0;
  for (size_t at = page->find("</script"); at != std::string::npos;
       at = page->find("</script", at + 1)) {
    ++scripts;
  }
  EXPECT_EQ(scripts, 3U);
}

TEST_F(PageTest, ComparisonHasItsOwnScriptAndNoOther) {
  const auto page = RenderHtml(Sweep());
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_THAT(*page, testing::HasSubstr(std::string(kComparisonScript)));
  EXPECT_THAT(*page, testing::Not(testing::HasSubstr(std::string(kSimulationScript))));
  EXPECT_THAT(*page, testing::Not(testing::HasSubstr("{{")));
}

TEST_F(PageTest, TooManyRunsAreRefused) {
  ReportData data;
  data.runs.resize(kMaxRuns + 1);
  EXPECT_EQ(RenderHtml(data).status().code(), StatusCode::kInvalidArgument);
  ComparisonData comparison;
  comparison.runs.resize(kMaxRuns + 1);
  EXPECT_EQ(RenderHtml(comparison).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace flexmig::report
