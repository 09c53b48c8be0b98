#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace flexmig {

// `bytes` unpredictable bytes from the kernel as 2 * bytes lower-case hex digits.
[[nodiscard]] std::string RandomHex(size_t bytes);

// Deterministic generator for simulations and tests: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014),
// which unlike the standard distributions gives equal numbers on every platform.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, 1), 53 bits.
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  // Uniform in [0, bound) by multiplication and rejection of nothing: the bias is below
  // bound / 2^64. REQUIRES: bound > 0.
  uint64_t NextBelow(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;  // __extension__: quiet under -Wpedantic
  uint64_t state_;
};

}  // namespace flexmig
