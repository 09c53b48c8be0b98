#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flexmig/base/random.h"

namespace flexmig::fuzz {

// Above this inputs are cut: parsers fail in their first lines, and time is short.
inline constexpr size_t kMaxInputBytes = 64 << 10;

// Inputs near those of a corpus: one of them with one to four small changes, such as a flipped bit,
// a byte that parsers treat specially, a part removed, repeated or taken from another input.
// Equal corpora and seeds give equal rows of inputs on every platform.
class Mutator {
 public:
  // REQUIRES: `corpus` is not empty; it must outlive the mutator.
  Mutator(const std::vector<std::string>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  // At most kMaxInputBytes.
  [[nodiscard]] std::string Next();

 private:
  void Change(std::string& input);
  [[nodiscard]] const std::string& AnyOfCorpus();
  // Uniform in [0, bound]; unlike SplitMix64::NextBelow that includes the bound.
  [[nodiscard]] size_t UpTo(size_t bound);

  const std::vector<std::string>& corpus_;
  SplitMix64 random_;
};

}  // namespace flexmig::fuzz
