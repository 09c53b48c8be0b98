#include "flexmig/trace/line_reader.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

namespace flexmig::trace {
namespace {

LineReader Reader(std::string text) { return {FromMemory(std::move(text)), "t"}; }

TEST(LineReaderTest, LinesComeWithoutTheirNewlinesAndAreCounted) {
  LineReader reader = Reader("one\n\nthree\n");
  EXPECT_EQ(**reader.Next(), "one");
  EXPECT_EQ(reader.line_number(), 1);
  EXPECT_EQ(**reader.Next(), "");
  EXPECT_EQ(**reader.Next(), "three");
  EXPECT_EQ(reader.line_number(), 3);
  EXPECT_FALSE(reader.Next()->has_value());
  EXPECT_FALSE(reader.Next()->has_value());
}

TEST(LineReaderTest, ALineAcrossTheBufferIsWhole) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += StrCat("line ", i, "\n");
  LineReader reader = Reader(text);
  for (int i = 0; i < 40'000; ++i) ASSERT_EQ(**reader.Next(), StrCat("line ", i));
  EXPECT_FALSE(reader.Next()->has_value());
}

TEST(LineReaderTest, ALastLineWithoutNewlineIsAnErrorOnceAndThenTheEnd) {
  LineReader reader = Reader("a\nbc");
  EXPECT_EQ(**reader.Next(), "a");
  EXPECT_EQ(reader.Next().status().message(),
            "t:2:3: expected a newline at the end of the last line; the file may be cut short");
  EXPECT_FALSE(reader.Next()->has_value());
}

TEST(LineReaderTest, AfterALineThatIsTooLongTheNextIsRead) {
  for (const size_t length : {LineReader::kMaxLineBytes, LineReader::kMaxLineBytes + 1,
                              size_t{65'536}, size_t{65'537}, size_t{200'000}}) {
    LineReader reader = Reader(StrCat("a\n", std::string(length, 'x'), "\nb\n"));
    EXPECT_EQ(**reader.Next(), "a");
    const auto line = reader.Next();
    if (length <= LineReader::kMaxLineBytes) {
      EXPECT_EQ((*line)->size(), length);
    } else {
      EXPECT_EQ(line.status().message(), "t:2:4097: expected a line of at most 4096 bytes");
    }
    EXPECT_EQ(**reader.Next(), "b") << length;
    EXPECT_EQ(reader.line_number(), 3);
  }
}

TEST(LineReaderTest, TextInMessagesIsShortAndHarmless) {
  EXPECT_EQ(QuotedForMessage("a\x1b[2J"), "'a?[2J'");
  EXPECT_EQ(QuotedForMessage(std::string(41, 'y')), StrCat("'", std::string(40, 'y'), "'..."));
}

}  // namespace
}  // namespace flexmig::trace
