#include "json_array.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

namespace flexmig::trace {
namespace {

// The elements joined by '|', then the refusal if there is one.
std::string Cut(std::string text) {
  JsonArrayReader reader(FromMemory(std::move(text)), "t");
  std::string out;
  while (true) {
    const auto element = reader.Next();
    if (!element.ok()) return out + element.status().message();
    if (!*element) return out;
    out += StrCat(**element, "|");
  }
}

TEST(JsonArrayTest, ObjectsAreCutAtTheirBrackets) {
  EXPECT_EQ(Cut(" [ ] \n"), "");
  EXPECT_EQ(Cut("[{}]"), "{}|");
  EXPECT_EQ(Cut("[{\"a\":[1,{\"b\":2}]} ,\n{\"c\":\"}]\\\"{\\\\\"}]"),
            "{\"a\":[1,{\"b\":2}]}|{\"c\":\"}]\\\"{\\\\\"}|");
}

TEST(JsonArrayTest, WhatIsNoArrayOfObjectsIsRefusedAtItsPlace) {
  EXPECT_EQ(Cut(""),
            "t:1:1: expected '[', the beginning of an array of jobs, found the end of the file");
  EXPECT_EQ(Cut("{}"), "t:1:1: expected '[', the beginning of an array of jobs, found '{'");
  EXPECT_EQ(Cut("[1]"), "t:1:2: expected '{', the beginning of a job, found '1'");
  EXPECT_EQ(Cut("[{},]"), "{}|t:1:5: expected '{', the beginning of a job, found ']'");
  EXPECT_EQ(Cut("[{}\n {}]"), "{}|t:2:2: expected ',' or ']' behind a job, found '{'");
  EXPECT_EQ(Cut("[{}]]"), "{}|t:1:5: expected the end of the file behind the array, found ']'");
  EXPECT_EQ(Cut("[{}"), "{}|t:1:4: expected ',' or ']' behind a job, found the end of the file");
  EXPECT_EQ(Cut("[{\"a\":\n\"}"),
            "t:2:3: expected the end of the job; the file may be cut short, found the end of the "
            "file");
}

TEST(JsonArrayTest, AnElementIsBounded) {
  const std::string huge(JsonArrayReader::kMaxElementBytes, 'x');
  EXPECT_EQ(Cut(StrCat("[{\"a\":\"", huge, "\"}]")),
            "t:1:1048578: expected a job of at most 1048576 bytes, found 'x'");
}

TEST(JsonArrayTest, PlacesInsideAnElementAreCounted) {
  JsonArrayReader reader(FromMemory("[\n  {\"a\":\n1}]"), "t");
  ASSERT_TRUE(reader.Next()->has_value());
  EXPECT_EQ(reader.ErrorAt(0, "x").message(), "t:2:3: expected x");
  EXPECT_EQ(reader.ErrorAt(6, "x").message(), "t:3:1: expected x");
}

}  // namespace
}  // namespace flexmig::trace
