#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/reduce/reference.h"

#include "call.h"

// What the collectives have to compute, for tests: one call with made-up data, and what every rank
// must find.
namespace flexmig::coll {

using Bytes8 = std::vector<std::byte>;

// Any bits, different for each (seed, rank, index): misplaced pieces differ.
inline Bytes8 Contribution(uint64_t seed, int rank, size_t bytes) {
  SplitMix64 random(seed * 1000 + static_cast<uint64_t>(rank));
  Bytes8 data(bytes);
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t bits = random.Next();
    std::memcpy(data.data() + i, &bits, std::min<size_t>(8, bytes - i));
  }
  return data;
}

// One call, alike on all ranks.
struct CollectiveCase {
  Collective collective = Collective::kAllReduce;
  DataType type = DataType::kFloat32;
  ReduceOp op = ReduceOp::kSum;
  size_t count = 0;  // elements of a part
  int root = 0;
  uint64_t seed = 0;

  [[nodiscard]] size_t part_bytes() const { return count * reduce::ElementBytes(type); }
  // How many parts the buffers of `rank` have.
  [[nodiscard]] size_t send_parts(int world_size) const {
    const bool many = collective == Collective::kReduceScatter ||
                      collective == Collective::kScatter || collective == Collective::kAllToAll;
    return many ? static_cast<size_t>(world_size) : 1;
  }
  [[nodiscard]] size_t receive_parts(int world_size) const {
    const bool many = collective == Collective::kAllGather || collective == Collective::kGather ||
                      collective == Collective::kAllToAll;
    return many ? static_cast<size_t>(world_size) : 1;
  }
  [[nodiscard]] bool sends(int rank) const {
    return (collective != Collective::kBroadcast && collective != Collective::kScatter) ||
           rank == root;
  }
  [[nodiscard]] bool receives(int rank) const {
    return (collective != Collective::kReduce && collective != Collective::kGather) || rank == root;
  }
  [[nodiscard]] bool reduces() const {
    return collective == Collective::kAllReduce || collective == Collective::kReduce ||
           collective == Collective::kReduceScatter;
  }
  [[nodiscard]] std::string ToString() const {
    return Describe({count, root, collective, type, op});
  }

  [[nodiscard]] Bytes8 Send(int rank, int world_size) const {
    return Contribution(seed, rank, send_parts(world_size) * part_bytes());
  }
  [[nodiscard]] Reduction ReductionOf(int rank) const {
    Reduction reduction(op);
    const Bytes8 factor = Contribution(seed + 1, rank, sizeof reduction.scalar.bytes);
    std::memcpy(reduction.scalar.bytes, factor.data(), factor.size());
    return reduction;
  }
  // What `rank` must find in its receive buffer; empty if it does not receive.
  [[nodiscard]] Bytes8 Expected(int rank, int world_size) const;
  // Makes the call on this rank.
  Status Run(Communicator& communicator, const void* send, void* receive) const;
};

inline Bytes8 CollectiveCase::Expected(int rank, int world_size) const {
  const size_t part = part_bytes();
  const auto own = static_cast<size_t>(rank);
  if (!receives(rank)) return {};
  const auto part_of = [&](int from, size_t index) {
    const Bytes8 all = Send(from, world_size);
    const auto begin = all.begin() + static_cast<ptrdiff_t>(index * part);
    return Bytes8(begin, begin + static_cast<ptrdiff_t>(part));
  };
  Bytes8 expected;
  const auto append = [&](const Bytes8& more) {
    expected.insert(expected.end(), more.begin(), more.end());
  };
  switch (collective) {
    case Collective::kBroadcast: return part_of(root, 0);
    case Collective::kScatter: return part_of(root, own);
    case Collective::kAllGather:
    case Collective::kGather:
      for (int from = 0; from < world_size; ++from) append(part_of(from, 0));
      return expected;
    case Collective::kAllToAll:
      for (int from = 0; from < world_size; ++from) append(part_of(from, own));
      return expected;
    default: break;
  }
  const size_t index = collective == Collective::kReduceScatter ? own : 0;
  std::vector<Bytes8> inputs;
  std::vector<const void*> pointers;
  pointers.reserve(static_cast<size_t>(world_size));
  std::vector<reduce::Scalar> factors;
  for (int from = 0; from < world_size; ++from) {
    inputs.push_back(part_of(from, index));
    factors.push_back(ReductionOf(from).scalar);
  }
  for (const Bytes8& input : inputs) pointers.push_back(input.data());
  expected.resize(part);
  reduce::ReduceInputsReference(type, op, pointers, expected.data(), count, factors);
  return expected;
}

inline Status CollectiveCase::Run(Communicator& communicator, const void* send,
                                  void* receive) const {
  const Reduction reduction = ReductionOf(communicator.rank());
  switch (collective) {
    case Collective::kAllReduce:
      return communicator.AllReduce(send, receive, count, type, reduction);
    case Collective::kReduce:
      return communicator.Reduce(send, receive, count, type, reduction, root);
    case Collective::kReduceScatter:
      return communicator.ReduceScatter(send, receive, count, type, reduction);
    case Collective::kAllGather: return communicator.AllGather(send, receive, count, type);
    case Collective::kGather: return communicator.Gather(send, receive, count, type, root);
    case Collective::kBroadcast: return communicator.Broadcast(send, receive, count, type, root);
    case Collective::kScatter: return communicator.Scatter(send, receive, count, type, root);
    case Collective::kAllToAll: return communicator.AllToAll(send, receive, count, type);
    case Collective::kBarrier: return communicator.Barrier();
    default: return InternalError("no such case");
  }
}

inline constexpr Collective kDataCollectives[] = {
    Collective::kAllReduce, Collective::kReduce,   Collective::kReduceScatter,
    Collective::kAllGather, Collective::kGather,   Collective::kBroadcast,
    Collective::kScatter,   Collective::kAllToAll,
};

}  // namespace flexmig::coll
