#include "pattern.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/reduce/reference.h"

namespace flexmig::perf {

namespace {

using reduce::DataType;
using reduce::ReduceOp;

// The greatest integer such that it and all below are exact in `type`; 0 if there is no rule.
int64_t ExactIntegers(DataType type) {
  switch (type) {
    case DataType::kFloat32: return 1 << 24;
    case DataType::kFloat64: return int64_t{1} << 53;
    case DataType::kInt32:
    case DataType::kInt64: return 1 << 30;
    case DataType::kBfloat16: return 1 << 8;
    case DataType::kFloat16: return 1 << 11;
    // Wrapping would be as exact, but min and max should see ordinary numbers.
    case DataType::kInt8:
    case DataType::kUint8: return 127;
    case DataType::kUint32:
    case DataType::kUint64: return 1 << 30;
    case DataType::kFloat8E4m3: return 1 << 4;
    case DataType::kFloat8E5m2: return 1 << 3;
  }
  return 0;
}

template <typename T>
void StoreAs(int64_t value, std::byte* to) {
  T element;
  if constexpr (std::is_arithmetic_v<T>) {
    element = static_cast<T>(value);
  } else {
    element = T(static_cast<float>(value));
  }
  std::memcpy(to, &element, sizeof element);
}

void Store(DataType type, int64_t value, std::byte* to) {
  switch (type) {
    case DataType::kFloat32: return StoreAs<float>(value, to);
    case DataType::kFloat64: return StoreAs<double>(value, to);
    case DataType::kInt32: return StoreAs<int32_t>(value, to);
    case DataType::kInt64: return StoreAs<int64_t>(value, to);
    case DataType::kBfloat16: return StoreAs<reduce::Bfloat16>(value, to);
    case DataType::kFloat16: return StoreAs<reduce::Float16>(value, to);
    case DataType::kInt8: return StoreAs<int8_t>(value, to);
    case DataType::kUint8: return StoreAs<uint8_t>(value, to);
    case DataType::kUint32: return StoreAs<uint32_t>(value, to);
    case DataType::kUint64: return StoreAs<uint64_t>(value, to);
    case DataType::kFloat8E4m3: return StoreAs<reduce::Float8E4m3>(value, to);
    case DataType::kFloat8E5m2: return StoreAs<reduce::Float8E5m2>(value, to);
  }
}

// Calls `visit(offset, period_first, length)` for the stretches of [first, first + count) that lie
// within one period; offset is relative to first.
template <typename Visit>
void ForEachStretch(size_t first, size_t count, Visit visit) {
  for (size_t offset = 0; offset < count;) {
    const size_t begin = (first + offset) % Pattern::kPeriod;
    const size_t length = std::min(Pattern::kPeriod - begin, count - offset);
    visit(offset, begin, length);
    offset += length;
  }
}

}  // namespace

Result<Pattern> Pattern::OfRank(int rank, int ranks, DataType type, ReduceOp op) {
  const int64_t exact = ExactIntegers(type);
  if (exact == 0) {
    return UnimplementedError(StrCat("no test data of type ", reduce::DataTypeName(type)));
  }
  // A sum over ranks has to stay exact, and a product becomes at most 2^ranks.
  const uint64_t values =
      op == ReduceOp::kProd ? 2 : static_cast<uint64_t>(std::clamp<int64_t>(exact / ranks, 1, 999));
  const size_t bytes = reduce::ElementBytes(type);
  std::vector<std::byte> period(kPeriod * bytes);
  SplitMix64 random(static_cast<uint64_t>(rank) + 1);
  for (size_t i = 0; i < kPeriod; ++i) {
    Store(type, static_cast<int64_t>(1 + random.NextBelow(values)), period.data() + i * bytes);
  }
  return Pattern(bytes, std::move(period));
}

Result<Pattern> Pattern::Reduced(int ranks, DataType type, ReduceOp op) {
  std::vector<Pattern> inputs;
  std::vector<const void*> pointers;
  for (int rank = 0; rank < ranks; ++rank) {
    FLEXMIG_ASSIGN_OR_RETURN(auto input, OfRank(rank, ranks, type, op));
    inputs.push_back(std::move(input));
  }
  for (const Pattern& input : inputs) pointers.push_back(input.period_.data());
  std::vector<std::byte> period(inputs.front().period_.size());
  reduce::ReduceInputsReference(type, op, pointers, period.data(), kPeriod);
  return Pattern(reduce::ElementBytes(type), std::move(period));
}

void Pattern::Fill(std::byte* to, size_t first, size_t count) const {
  ForEachStretch(first, count, [&](size_t offset, size_t begin, size_t length) {
    std::memcpy(to + offset * element_bytes_, period_.data() + begin * element_bytes_,
                length * element_bytes_);
  });
}

size_t Pattern::CountWrong(const std::byte* data, size_t first, size_t count) const {
  size_t wrong = 0;
  ForEachStretch(first, count, [&](size_t offset, size_t begin, size_t length) {
    const std::byte* const found = data + offset * element_bytes_;
    const std::byte* const expected = period_.data() + begin * element_bytes_;
    if (std::memcmp(found, expected, length * element_bytes_) == 0) return;
    for (size_t i = 0; i < length; ++i) {
      const size_t at = i * element_bytes_;
      if (std::memcmp(found + at, expected + at, element_bytes_) != 0) ++wrong;
    }
  });
  return wrong;
}

}  // namespace flexmig::perf
