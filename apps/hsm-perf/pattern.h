#pragma once

#include <cstddef>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/reduce/types.h"

namespace flexmig::perf {

// Test data that tells where it belongs: element i of rank r is a small integer drawn from (r, i
// modulo kPeriod), so that every library's order of summation gives the same bits, and a chunk that
// lands in the wrong place is seen. kPeriod is a prime, which the distance between two chunks, a
// multiple of a power of two, does not divide into.
class Pattern {
 public:
  static constexpr size_t kPeriod = 65521;

  // What rank `rank` of `ranks` has at every index.
  // Errors: kUnimplemented for a type without a rule here.
  static Result<Pattern> OfRank(int rank, int ranks, reduce::DataType type, reduce::ReduceOp op);
  // What the reduction over all ranks has, from reduce::ReduceInputsReference.
  static Result<Pattern> Reduced(int ranks, reduce::DataType type, reduce::ReduceOp op);

  // to[i] = element first + i, for i < count.
  void Fill(std::byte* to, size_t first, size_t count) const;

  // How many i < count have a data[i] of other bits than element first + i.
  [[nodiscard]] size_t CountWrong(const std::byte* data, size_t first, size_t count) const;

 private:
  Pattern(size_t element_bytes, std::vector<std::byte> period)
      : element_bytes_(element_bytes), period_(std::move(period)) {}

  size_t element_bytes_;
  std::vector<std::byte> period_;
};

}  // namespace flexmig::perf
