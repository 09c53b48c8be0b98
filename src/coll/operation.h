#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "flexmig/coll/communicator.h"
#include "flexmig/reduce/reduce.h"
#include "flexmig/reduce/types.h"
#include "flexmig/shm/segment_layout.h"

#include "engine.h"

namespace flexmig::coll {

// The arguments of one collective, checked. Of each buffer the algorithms know how many parts of
// `bytes` it has: one, or one for each rank.
struct Operation {
  const std::byte* send = nullptr;
  std::byte* receive = nullptr;
  size_t count = 0;    // elements of a part
  size_t element = 1;  // bytes of one
  DataType type = DataType::kFloat32;
  Reduction reduction = ReduceOp::kSum;
  int root = 0;

  [[nodiscard]] size_t bytes() const { return count * element; }
  // Where the part of `rank` begins in a buffer that has one for each.
  [[nodiscard]] size_t offset_of(int rank) const { return static_cast<size_t>(rank) * bytes(); }
};

// Writes all parts of `send` but this rank's own, which nobody else reads, into its small
// contribution.
inline void WriteOtherParts(Engine& engine, const Operation& op) {
  const size_t own = op.offset_of(engine.rank());
  const size_t behind = own + op.bytes();
  std::byte* const to = engine.small(engine.rank());
  reduce::CopyBytes(to, op.send, own);
  reduce::CopyBytes(to + behind, op.send + behind, op.offset_of(engine.world_size()) - behind);
}

// What reduce::ReduceInputs takes of each rank, in rank order. The factors are set, and read, for
// kPreMulSum only.
struct Inputs {
  std::array<const void*, shm::kMaxWorldSize> data;
  std::array<reduce::Scalar, shm::kMaxWorldSize> factors;
};

// The factors of kPreMulSum travel in front of the announcements' payloads.
inline void WriteFactor(Engine& engine, const Operation& op) {
  if (op.reduction.op != ReduceOp::kPreMulSum) return;
  std::memcpy(engine.payload(engine.rank()), &op.reduction.scalar, sizeof op.reduction.scalar);
}
inline void ReadFactors(const Engine& engine, const Operation& op, Inputs& inputs) {
  if (op.reduction.op != ReduceOp::kPreMulSum) return;
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    const void* from = rank == engine.rank() ? static_cast<const void*>(&op.reduction.scalar)
                                             : engine.payload(rank);
    std::memcpy(&inputs.factors[static_cast<size_t>(rank)], from, sizeof(reduce::Scalar));
  }
}
// Reduces `count` elements of all ranks' inputs, into `out` or every one of `outs`.
inline void ReduceToAll(const Engine& engine, const Operation& op, const Inputs& inputs,
                        std::span<void* const> outs, size_t count) {
  const auto ranks = static_cast<size_t>(engine.world_size());
  reduce::ReduceInputsToAll(op.type, op.reduction.op, {inputs.data.data(), ranks}, outs, count,
                            {inputs.factors.data(), ranks});
}
inline void Reduce(const Engine& engine, const Operation& op, const Inputs& inputs, void* out,
                   size_t count) {
  const auto ranks = static_cast<size_t>(engine.world_size());
  reduce::ReduceInputs(op.type, op.reduction.op, {inputs.data.data(), ranks}, out, count,
                       {inputs.factors.data(), ranks});
}

// The elements of `count` that rank `owner` reduces. Parts begin on cache lines, so that no line is
// written by two ranks.
struct Part {
  size_t begin;
  size_t count;
};
[[nodiscard]] inline Part PartOf(int owner, int world_size, size_t count, size_t element) {
  const auto ranks = static_cast<size_t>(world_size);
  const size_t line = shm::kLineBytes / element;
  const size_t share = ((count + ranks - 1) / ranks + line - 1) / line * line;
  const size_t begin =
      count < static_cast<size_t>(owner) * share ? count : static_cast<size_t>(owner) * share;
  return {begin, count - begin < share ? count - begin : share};
}

}  // namespace flexmig::coll
