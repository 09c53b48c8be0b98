#include "portable_math.h"

#include <cmath>

namespace flexmig::trace {

namespace {
// ln 2 in two parts: the first has 32 bits, so that k * kLn2High is exact for |k| < 2^21.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
}  // namespace

double Ln(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // exact; in [0.5, 1)
  if (mantissa < kSqrtHalf) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| <= 0.1716: the term
  // s^23/23 is below 1e-18.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double square = s * s;
  double sum = 0;
  for (int n = 21; n >= 3; n -= 2) sum = (sum + 1.0 / n) * square;
  const double fraction = 2 * s * (1 + sum);
  return exponent * kLn2High + (exponent * kLn2Low + fraction);
}

double Exp(double x) {
  const double k = std::floor(x / (kLn2High + kLn2Low) + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;  // |r| <= 0.347
  double sum = 1;
  for (int n = 15; n >= 1; --n) sum = 1 + sum * r / n;  // Taylor; r^16/16! is below 1e-20
  return std::ldexp(sum, static_cast<int>(k));          // exact
}

double NextExponential(SplitMix64& random) {
  return -Ln(1 - random.NextUnit());  // 1 - u is in (0, 1]
}

double NextNormal(SplitMix64& random) {
  while (true) {
    const double x = 2 * random.NextUnit() - 1;
    const double y = 2 * random.NextUnit() - 1;
    const double square = x * x + y * y;
    if (square > 0 && square < 1) return x * std::sqrt(-2 * Ln(square) / square);
  }
}

}  // namespace flexmig::trace
