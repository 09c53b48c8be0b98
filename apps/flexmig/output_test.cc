#include "output.h"

#include <gtest/gtest.h>

namespace flexmig::app {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({">LEAF", "PROFILE", ">SMS", "STATE"});
  table.AddRow({"0", "1g.5gb", "14", "free"});
  table.AddRow({"10", "1g.10gb+me", "104", ""});
  EXPECT_EQ(table.Text(),
            "LEAF  PROFILE     SMS  STATE\n"
            "   0  1g.5gb       14  free\n"
            "  10  1g.10gb+me  104\n");
}

TEST(FormatOptionalTest, TheUnknownIsAQuestionMark) {
  EXPECT_EQ(FormatOptional(std::optional<int>(14)), "14");
  EXPECT_EQ(FormatOptional(std::optional<int>()), "?");
  EXPECT_EQ(FormatOptional(std::optional(Bytes::MiB(4864))), "4.75 GiB");
}

TEST(FormatDocumentTest, YamlKeepsTheOrderAndQuotesEveryText) {
  const nlohmann::ordered_json document = {
      {"ok", true},
      {"error", nullptr},
      {"empty", nlohmann::ordered_json::array()},
      {"nothing", nlohmann::ordered_json::object()},
      {"starts", {0, 4}},
      {"gpus",
       {{{"index", 0}, {"mode", "on"}, {"sizes", {{"a", 1.5}}}},
        {{"index", 1}, {"list", {{{"x", "\"q\""}}, {{"x", "0x10"}}}}}}}};
  EXPECT_EQ(FormatDocument(document, OutputFormat::kYaml), R"(ok: true
error: null
empty: []
nothing: {}
starts: [0, 4]
gpus:
- index: 0
  mode: "on"
  sizes:
    a: 1.5
- index: 1
  list:
  - x: "\"q\""
  - x: "0x10"
)");
  EXPECT_EQ(FormatDocument({{"a", 1}}, OutputFormat::kJson), "{\n  \"a\": 1\n}\n");
  EXPECT_EQ(FormatDocument(nlohmann::ordered_json::array(), OutputFormat::kYaml), "[]\n");
}

}  // namespace
}  // namespace flexmig::app
