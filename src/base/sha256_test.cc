#include "flexmig/base/sha256.h"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig {
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

// Test cases 1, 2 and 6 of RFC 4231: a short key, a text key, and one longer than a block.
TEST(Sha256Test, KeyedDigestsAgreeWithPublishedOnes) {
  const auto hex = [](const Sha256Digest& digest) {
    std::string out;
    for (const uint8_t byte : digest) {
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    }
    return out;
  };
  EXPECT_EQ(hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const Sha256Digest long_key = HmacSha256(
      std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First");
  EXPECT_EQ(hex(long_key), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  Sha256Digest other = long_key;
  EXPECT_TRUE(EqualDigests(long_key, other));
  other[31] ^= 1;
  EXPECT_FALSE(EqualDigests(long_key, other));
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
}  // namespace flexmig
