#include "flexmig/base/sha256.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig {

namespace {

// FIPS 180-4, section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the
// first 64 primes.
constexpr std::array<uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

class Digest {
 public:
  void Add(std::string_view data) {
    total_bytes_ += data.size();
    while (!data.empty()) {
      const size_t n = std::min(data.size(), block_.size() - filled_);
      std::memcpy(block_.data() + filled_, data.data(), n);
      filled_ += n;
      data.remove_prefix(n);
      if (filled_ == block_.size()) Compress();
    }
  }

  // Ends the message; nothing may be added afterwards.
  Sha256Digest Bytes() {
    const uint64_t bits = total_bytes_ * 8;
    Add("\x80");
    while (filled_ != 56) Add(std::string_view("\0", 1));
    std::array<char, 8> length{};
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(bits >> (56 - 8 * i));
    Add({length.data(), length.size()});
    Sha256Digest out{};
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    }
    return out;
  }

 private:
  void Compress() {
    std::array<uint32_t, 64> w{};
    for (size_t i = 0; i < 16; ++i) {
      for (size_t byte = 0; byte < 4; ++byte) {
        w[i] = (w[i] << 8) | static_cast<unsigned char>(block_[4 * i + byte]);
      }
    }
    for (size_t i = 16; i < 64; ++i) {
      const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (size_t i = 0; i < 64; ++i) {
      const uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
      const uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<uint32_t, 8> next = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; ++i) state_[i] += next[i];
    filled_ = 0;
  }

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<char, 64> block_{};
  size_t filled_ = 0;
  uint64_t total_bytes_ = 0;
};

std::string Hex(const Sha256Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

Sha256Digest Sha256Of(std::string_view data) {
  Digest digest;
  digest.Add(data);
  return digest.Bytes();
}

std::string Sha256(std::string_view data) { return Hex(Sha256Of(data)); }

Sha256Digest HmacSha256(std::string_view key, std::string_view message) {
  // The block of SHA-256; a longer key is replaced by its digest.
  std::array<char, 64> inner{};
  if (key.size() > inner.size()) {
    const Sha256Digest short_key = Sha256Of(key);
    std::memcpy(inner.data(), short_key.data(), short_key.size());
  } else {
    key.copy(inner.data(), key.size());
  }
  std::array<char, 64> outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  Digest first;
  first.Add({inner.data(), inner.size()});
  first.Add(message);
  const Sha256Digest between = first.Bytes();
  Digest second;
  second.Add({outer.data(), outer.size()});
  second.Add({reinterpret_cast<const char*>(between.data()), between.size()});
  return second.Bytes();
}

bool EqualDigests(const Sha256Digest& a, const Sha256Digest& b) {
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

Result<std::string> Sha256OfFile(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, path.native());
  Digest digest;
  std::string buffer(64 << 10, '\0');
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n == 0) return Hex(digest.Bytes());
    if (n > 0) {
      digest.Add({buffer.data(), static_cast<size_t>(n)});
    } else if (errno != EINTR) {
      const int error = errno;
      if (error == EISDIR) return InvalidArgumentError(StrCat(path.native(), ": is a directory"));
      return ErrnoError(error, path.native());
    }
  }
}

}  // namespace flexmig
