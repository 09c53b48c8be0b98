#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/reduce/types.h"

#include "target.h"

// What the tests of this module share.
namespace flexmig::reduce {

// Bytes of one vector that starts `misalignment` bytes behind a multiple of 64, with guard bytes on
// both sides.
class Buffer {
 public:
  Buffer(size_t bytes, size_t misalignment) : bytes_(bytes), storage_(bytes + 5 * kGuard) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data()) + kGuard;
    begin_ = kGuard + (kGuard - address % kGuard) % kGuard + misalignment % kGuard;
    std::memset(data() - kGuard, kGuardByte, bytes + 2 * kGuard);
  }
  std::byte* data() { return storage_.data() + begin_; }
  [[nodiscard]] bool GuardsIntact() const {
    for (size_t i = 0; i < kGuard; ++i) {
      if (storage_[begin_ - kGuard + i] != std::byte{kGuardByte}) return false;
      if (storage_[begin_ + bytes_ + i] != std::byte{kGuardByte}) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr unsigned char kGuardByte = 0xa5;
  size_t bytes_;
  std::vector<std::byte> storage_;
  size_t begin_;
};

// Any bit pattern at all: infinities, NaN with payloads, subnormals, overflowing integers.
inline std::vector<std::byte> RandomBits(SplitMix64& random, size_t bytes) {
  std::vector<std::byte> made(bytes);
  for (std::byte& byte : made) byte = static_cast<std::byte>(random.Next() >> 56);
  return made;
}

// Numbers from 1/8 to 8 of both signs, whose sums and products do not overflow soon; they encode
// input and index. Integers and floats of 32 and 64 bits; other types get RandomBits.
template <typename T>
std::vector<std::byte> Numbers(size_t count, size_t input) {
  std::vector<std::byte> made(count * sizeof(T));
  for (size_t i = 0; i < count; ++i) {
    const auto step = static_cast<int>((i * 7 + input * 31) % 127) - 63;
    const T value = static_cast<T>(static_cast<float>(step) / 8.0f);
    std::memcpy(made.data() + i * sizeof(T), &value, sizeof(T));
  }
  return made;
}

// Kernels run on `target` until the end of the scope.
class OnTarget {
 public:
  explicit OnTarget(Target target) { UseTarget(target); }
  ~OnTarget() { UseTarget(RunnableTargets().front()); }
  OnTarget(const OnTarget&) = delete;
  OnTarget& operator=(const OnTarget&) = delete;
};

inline std::string Where(DataType type, ReduceOp op, Target target, size_t inputs, size_t count) {
  return StrCat(DataTypeName(type), " ", ReduceOpName(op), " on ", TargetName(target), " of ",
                inputs, " inputs, count ", count);
}

}  // namespace flexmig::reduce
