#pragma once

#include "flexmig/base/random.h"

namespace flexmig::trace {

// The C library's log and exp differ in the last bit between versions and processors, which is
// enough to change a generated trace. These use additions, multiplications and divisions only, in a
// fixed order and without fused operations (see CMakeLists.txt), so that they give the same bits
// everywhere. Both are within 2e-15 of the true value, relative to it (absolute for |Ln| < 1).

// Natural logarithm. REQUIRES: x > 0, normal.
double Ln(double x);

// e^x. REQUIRES: |x| <= 700.
double Exp(double x);

// Exponential variate with mean 1.
double NextExponential(SplitMix64& random);

// Standard normal variate by Marsaglia's polar method; uses sqrt, which IEEE 754 rounds correctly.
double NextNormal(SplitMix64& random);

}  // namespace flexmig::trace
