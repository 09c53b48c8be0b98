#include "delimited.h"

#include <array>

#include <gtest/gtest.h>

namespace flexmig::trace {
namespace {

constexpr std::array<std::string_view, 2> kWanted = {"b", "a"};

Result<DelimitedReader> Open(std::string text) {
  return DelimitedReader::Create(FromMemory(std::move(text)), "t", kWanted);
}

std::string Refusal(std::string line) {
  auto reader = Open("a,b\n" + std::move(line) + "\n");
  EXPECT_TRUE(reader.ok());
  const auto row = reader->Next();
  return row.ok() ? "accepted" : row.status().message();
}

TEST(DelimitedTest, ColumnsAreFoundByNameInTheOrderWanted) {
  auto reader = Open("c,a,d,b\n0,1,2,3\n");
  ASSERT_TRUE(reader.ok());
  const auto row = reader->Next();
  ASSERT_TRUE(row.ok());
  EXPECT_EQ((**row)[0].text, "3");
  EXPECT_EQ((**row)[0].column, 7U);
  EXPECT_EQ((**row)[1].text, "1");
  EXPECT_FALSE(reader->Next()->has_value());
  EXPECT_EQ(reader->rows(), 1);
}

TEST(DelimitedTest, QuotesAreTakenOffAndDoubledOnesHalved) {
  auto reader = Open("\"a\",b\r\n\"x,\"\"y\"\"\",\"\"\r\n");
  ASSERT_TRUE(reader.ok());
  const auto row = reader->Next();
  ASSERT_TRUE(row.ok()) << row.status().ToString();
  EXPECT_EQ((**row)[1].text, "x,\"y\"");
  EXPECT_EQ((**row)[0].text, "");
  EXPECT_EQ((**row)[0].column, 11U);
}

TEST(DelimitedTest, AnotherShapeIsRefusedAtItsPlace) {
  EXPECT_EQ(Refusal("1,2,3"), "t:2:6: expected 2 columns as in the header, found 3");
  EXPECT_EQ(Refusal("1"), "t:2:2: expected 2 columns as in the header, found 1");
  EXPECT_EQ(Refusal("1,\"2"), "t:2:3: expected a closing quote in the same line");
  EXPECT_EQ(Refusal("\"1\"2,3"),
            "t:2:4: expected a comma or the end of the line behind a closing quote");
}

TEST(DelimitedTest, AfterABadRowTheNextIsRead) {
  auto reader = Open("a,b\n1\n3,4\n");
  EXPECT_FALSE(reader->Next().ok());
  EXPECT_EQ((**reader->Next())[1].text, "3");
  EXPECT_EQ(reader->rows(), 2);
}

TEST(DelimitedTest, AHeaderWithoutAWantedColumnIsRefused) {
  EXPECT_EQ(Open("a,c\n").status().message(),
            "t:1:1: expected a header line with the column 'b', found 'a,c'");
  EXPECT_EQ(Open("a,b,b\n").status().message(),
            "t:1:1: expected a header line with the column 'b' once");
  EXPECT_EQ(Open("").status().message(), "t:1:1: expected a header line, found an empty file");
}

}  // namespace
}  // namespace flexmig::trace
