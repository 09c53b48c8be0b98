#include "flexmig/trace/byte_source.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "gzip_for_test.h"

namespace flexmig::trace {
namespace {

// Reads in pieces of `step` bytes.
Result<std::string> ReadAll(std::unique_ptr<ByteSource> source, size_t step = 1000) {
  std::string all;
  std::string piece(step, '\0');
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(const size_t n, source->Read(piece.data(), step));
    if (n == 0) return all;
    all.append(piece, 0, n);
  }
}

Result<std::string> Inflate(std::string bytes, size_t step = 1000) {
  FLEXMIG_ASSIGN_OR_RETURN(auto source, Decompressed(FromMemory(std::move(bytes)), "t.gz"));
  return ReadAll(std::move(source), step);
}

// Position-dependent and longer than every buffer on the way.
std::string Numbers() {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += StrCat(i, "\n");
  return text;
}

TEST(ByteSourceTest, PlainContentPassesUnchanged) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"), Numbers()}) {
    EXPECT_EQ(*Inflate(text), text);
  }
}

TEST(ByteSourceTest, GzipIsRecognisedByItsContent) {
  const std::string text = Numbers();
  for (const size_t step : {size_t{1}, size_t{4096}, size_t{1} << 20}) {
    EXPECT_EQ(*Inflate(Gzip(text), step), text);
  }
  EXPECT_EQ(*Inflate(Gzip("")), "");
}

TEST(ByteSourceTest, SeveralMembersAreOneContent) {
  EXPECT_EQ(*Inflate(Gzip("one,") + Gzip("") + Gzip("two")), "one,two");
}

TEST(ByteSourceTest, EveryCutIsAnError) {
  const std::string whole = Gzip("position dependent: 0123456789 9876543210");
  for (size_t length = 2; length < whole.size(); ++length) {
    const auto content = Inflate(whole.substr(0, length));
    EXPECT_EQ(content.status().code(), StatusCode::kDataLoss) << length;
    EXPECT_EQ(content.status().message(), "t.gz: the gzip data is cut short") << length;
  }
}

TEST(ByteSourceTest, DamageIsAnError) {
  const std::string whole = Gzip(Numbers());
  std::string bad_checksum = whole;
  bad_checksum[whole.size() - 8] = static_cast<char>(bad_checksum[whole.size() - 8] ^ 1);
  EXPECT_EQ(Inflate(bad_checksum).status().message(),
            "t.gz: the gzip data is damaged (incorrect data check)");
  EXPECT_EQ(Inflate(whole + "trailing text").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Inflate(whole + whole.substr(0, 5)).status().code(), StatusCode::kDataLoss);
}

TEST(ByteSourceTest, FilesAreOpenedOrRefusedByName) {
  std::string folder = std::filesystem::temp_directory_path() / "flexmig-trace-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/t.csv";
  ASSERT_TRUE(WriteFileAtomically(path, Numbers()).ok());
  EXPECT_EQ(*ReadAll(*OpenFile(path)), Numbers());
  EXPECT_EQ(OpenFile(folder).status().code(), StatusCode::kInvalidArgument);
  const auto missing = OpenFile(folder + "/none.csv");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("/none.csv"), std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace flexmig::trace
