#pragma once

#include <chrono>
#include <cstdint>

#include "flexmig/base/env.h"

namespace flexmig::test {

// Sanitizers make everything slower; FLEXMIG_TEST_SLOWDOWN multiplies every bound.
inline std::chrono::milliseconds Bound(std::chrono::milliseconds bound) {
  static const int64_t slowdown = GetEnvInt("FLEXMIG_TEST_SLOWDOWN", 1, 1, 100).value();
  return bound * slowdown;
}

}  // namespace flexmig::test
