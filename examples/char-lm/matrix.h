#pragma once

#include <cstddef>

namespace flexmig::char_lm {

// c += a * b for row-major matrices a (m x k), b (k x n) and c (m x n) that do not overlap.
// Every sum runs in ascending order of k, four products at a time, so equal inputs give equal bits.
// The innermost loop runs along rows of b and c, where compilers vectorise without reordering;
// four rows of b per pass, because the loop is bound by loading and storing c.
template <typename Real>
void MultiplyAdd(const Real* __restrict a, const Real* __restrict b, Real* __restrict c, size_t m,
                 size_t k, size_t n) {
  for (size_t row = 0; row < m; ++row) {
    const Real* const factors = a + row * k;
    Real* __restrict const sums = c + row * n;
    size_t i = 0;
    for (; i + 4 <= k; i += 4) {
      const Real f0 = factors[i];
      const Real f1 = factors[i + 1];
      const Real f2 = factors[i + 2];
      const Real f3 = factors[i + 3];
      const Real* const b0 = b + i * n;
      const Real* const b1 = b0 + n;
      const Real* const b2 = b1 + n;
      const Real* const b3 = b2 + n;
      for (size_t j = 0; j < n; ++j) {
        sums[j] += (f0 * b0[j] + f1 * b1[j]) + (f2 * b2[j] + f3 * b3[j]);
      }
    }
    for (; i < k; ++i) {
      for (size_t j = 0; j < n; ++j) sums[j] += factors[i] * b[i * n + j];
    }
  }
}

// out (n x m) = the transpose of in (m x n); they do not overlap.
template <typename Real>
void Transpose(const Real* __restrict in, Real* __restrict out, size_t m, size_t n) {
  for (size_t row = 0; row < m; ++row) {
    for (size_t column = 0; column < n; ++column) out[column * m + row] = in[row * n + column];
  }
}

}  // namespace flexmig::char_lm
