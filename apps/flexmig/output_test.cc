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

}  // namespace
}  // namespace flexmig::app
