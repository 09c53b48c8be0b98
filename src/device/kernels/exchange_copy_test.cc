#include <algorithm>
#include <cstddef>
#include <iterator>

#include <gtest/gtest.h>

#define FLEXMIG_DEVICE inline
#include "exchange_copy.h"

// The kernel's copies with threads that run one after the other.
namespace flexmig::device_kernels {
namespace {

TEST(ExchangeCopyTest, EveryByteArrivesOnceForAllSizesAndAlignments) {
  constexpr size_t kRoom = 20'000;
  // Less than a thread each, one round of four loads, and several.
  const size_t sizes[] = {0, 1, 3, 4, 15, 16, 17, 31, 100, 257, 2048, 8191, 8192, 16'500, 19'000};
  alignas(16) static Byte from[kRoom + 64];
  alignas(16) static Byte to[kRoom + 64];
  for (size_t i = 0; i < sizeof from; ++i) from[i] = static_cast<Byte>(i * 7 + i / 256);
  constexpr Byte kUntouched = 0x5a;
  for (const Uint32 threads : {32U, 256U, 512U}) {
    for (const size_t size : sizes) {
      for (const size_t from_at : {0U, 1U, 4U, 8U, 15U, 16U}) {
        for (const size_t to_at : {0U, 1U, 4U, 12U, 15U, 20U}) {
          std::fill(std::begin(to), std::end(to), kUntouched);
          for (Uint32 thread = 0; thread < threads; ++thread) {
            Copy(to + 16 + to_at, from + from_at, size, thread, threads);
          }
          for (size_t i = 0; i < sizeof to; ++i) {
            const bool inside = i >= 16 + to_at && i < 16 + to_at + size;
            const Byte expected = inside ? from[i - 16 - to_at + from_at] : kUntouched;
            ASSERT_EQ(to[i], expected) << size << " bytes from " << from_at << " to " << to_at
                                       << " by " << threads << ": byte " << i;
          }
        }
      }
    }
  }
}

TEST(ExchangeCopyTest, NothingIsReadFromNullPointers) {
  for (Uint32 thread = 0; thread < 32; ++thread) Copy(nullptr, nullptr, 0, thread, 32);
}

}  // namespace
}  // namespace flexmig::device_kernels
