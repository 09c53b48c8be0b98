#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flexmig::char_lm {

// FNV-1a, 64 bits, over the bytes in memory: to tell whether two ranks hold the same bits, not to
// keep anybody from forging them.
class Hash {
 public:
  template <typename T, size_t kExtent>
  void Add(std::span<T, kExtent> values) {
    for (const std::byte byte : std::as_bytes(values)) {
      value_ = (value_ ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3ULL;
    }
  }
  void Add(std::string_view text) { Add(std::span(text)); }

  [[nodiscard]] uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325ULL;
};

// 16 lower-case hex digits.
[[nodiscard]] inline std::string ToHex(uint64_t value) {
  std::string digits(16, '0');
  for (size_t i = digits.size(); i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

}  // namespace flexmig::char_lm
