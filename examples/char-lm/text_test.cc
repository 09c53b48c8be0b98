#include "text.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/random.h"

namespace flexmig::char_lm {
namespace {

using ::testing::HasSubstr;

// Every byte value, each in a place of its own.
std::string AllBytes(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 57 + i / 256);
  return bytes;
}

TEST(TextTest, DecodesToTheBytesItWasMadeOf) {
  const std::string bytes = AllBytes(5000);
  const auto text = MakeText(bytes);
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(text->Decode(text->symbols), bytes);
  EXPECT_EQ(text->alphabet.size(), 256U);
}

TEST(TextTest, AlphabetIsWhatOccursInByteOrder) {
  std::string bytes(kMinTextBytes, 'b');
  bytes[3] = 'a';
  bytes[5] = '\xe4';
  const auto text = MakeText(bytes);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->alphabet, "ab\xe4");
  EXPECT_EQ(text->symbols[3], 0);
  EXPECT_EQ(text->symbols[4], 1);
  EXPECT_EQ(text->symbols[5], 2);
}

TEST(TextTest, OneByteBelowTheMinimumIsRefused) {
  EXPECT_TRUE(MakeText(AllBytes(kMinTextBytes)).ok());
  const auto text = MakeText(AllBytes(kMinTextBytes - 1));
  EXPECT_EQ(text.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(text.status().message(), HasSubstr("1023 bytes"));
}

TEST(TextTest, OneCharacterOverAndOverIsRefused) {
  EXPECT_EQ(MakeText(std::string(4096, 'x')).status().code(), StatusCode::kInvalidArgument);
}

TEST(TextTest, ErrorsOfAFileNameIt) {
  const auto missing = LoadText("/nonexistent/novel.txt");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(missing.status().message(), HasSubstr("/nonexistent/novel.txt"));

  const auto path = std::filesystem::temp_directory_path() / ("char-lm-" + RandomHex(8));
  std::ofstream(path) << "too small";
  const auto small = LoadText(path);
  EXPECT_EQ(small.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(small.status().message(), HasSubstr(path.string() + ": the text has 9 bytes"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace flexmig::char_lm
