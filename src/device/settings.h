#pragma once

#include <cstddef>

#include "flexmig/base/status.h"

namespace flexmig::device {

// How the bytes of small operations get to bounce memory and back.
enum class SmallMovement {
  kAuto,    // by the kernel where it suits, else by copies
  kKernel,  // by one kernel in the stream
  kCopy,    // by copies in the stream
};

// What the environment says (docs/reference/environment.md).
struct Settings {
  // FLEXMIG_SMALL_BYTES: operations are small if no rank sends and receives more. Rank 0's counts
  // for all. 64 KiB takes some 3 us each way on a link of 20 GB/s, about what it costs to start a
  // copy: an assumption, not yet measured on a GPU.
  size_t small_bytes = 64 << 10;
  SmallMovement small = SmallMovement::kAuto;  // FLEXMIG_SMALL
  bool check_pointers = false;                 // FLEXMIG_CHECK_POINTERS, or NCCL_CHECK_POINTERS

  // Errors: kInvalidArgument naming the variable.
  static Result<Settings> FromEnvironment();
};

inline constexpr size_t kMaxSmallBytes = size_t{1} << 20;

}  // namespace flexmig::device
