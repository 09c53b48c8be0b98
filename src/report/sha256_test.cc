#include "flexmig/report/sha256.h"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig::report {
namespace {

// The examples of FIPS 180-4 and NIST's long message.
TEST(Sha256Test, AgreesWithPublishedDigests) {
  EXPECT_EQ(Sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, FileIsReadInPieces) {
  const std::string path = StrCat(testing::TempDir(), "sha256_test.", ::getpid());
  std::string content;
  for (int i = 0; i < 200'000; ++i) content += static_cast<char>(i % 251);
  std::ofstream(path, std::ios::binary) << content;
  const auto digest = Sha256OfFile(path);
  ASSERT_TRUE(digest.ok()) << digest.status().ToString();
  EXPECT_EQ(*digest, Sha256(content));
  ::unlink(path.c_str());
  EXPECT_EQ(Sha256OfFile(path).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Sha256OfFile("/").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace flexmig::report
