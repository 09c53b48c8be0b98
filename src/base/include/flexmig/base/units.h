#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig {

// An amount of memory. Does not convert from or to a bare number.
class Bytes {
 public:
  constexpr Bytes() = default;
  static constexpr Bytes Of(int64_t bytes) { return Bytes(bytes); }
  static constexpr Bytes MiB(int64_t mib) { return Bytes(mib << 20); }
  static constexpr Bytes GiB(int64_t gib) { return Bytes(gib << 30); }

  [[nodiscard]] constexpr int64_t count() const { return bytes_; }
  [[nodiscard]] constexpr double gib() const { return static_cast<double>(bytes_) / (1 << 30); }

  constexpr Bytes& operator+=(Bytes other) {
    bytes_ += other.bytes_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.bytes_ + b.bytes_); }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes(a.bytes_ - b.bytes_); }
  friend constexpr Bytes operator*(int64_t n, Bytes b) { return Bytes(n * b.bytes_); }
  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;

 private:
  explicit constexpr Bytes(int64_t bytes) : bytes_(bytes) {}
  int64_t bytes_ = 0;
};

// "14GiB", "512MiB", "64KiB", "2GB" (10^9), "100B"; a fraction is allowed before the unit
// ("4.75GiB"), a bare number is not.
// Errors: kInvalidArgument, quoting `text`, for anything else, negative or above 2^53 bytes.
Result<Bytes> ParseBytes(std::string_view text);

// "4.75 GiB", "512.00 MiB", "100 B": two decimals in the largest binary unit that is not above it.
std::string FormatBytes(Bytes bytes);

}  // namespace flexmig
