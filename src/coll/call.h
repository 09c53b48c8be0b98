#pragma once

#include <cstdint>
#include <string>

#include "flexmig/reduce/types.h"
#include "flexmig/shm/segment_layout.h"

namespace flexmig::coll {

// Numbers are part of the segment's format.
enum class Collective : uint8_t {
  kAllReduce = 0,
  kBroadcast = 1,
  kAllGather = 2,
  kReduceScatter = 3,
  kBarrier = 4,
};

// What one rank asks for: equal on all ranks, or the call is refused. Stored in the segment's
// CallRecord, so fields that a collective does not have are 0.
struct Call {
  uint64_t count = 0;
  int32_t root = 0;
  Collective collective = Collective::kBarrier;
  reduce::DataType type = reduce::DataType::kFloat32;
  reduce::ReduceOp op = reduce::ReduceOp::kSum;
  uint8_t reserved = 0;

  friend bool operator==(const Call&, const Call&) = default;
};
static_assert(sizeof(Call) == 16 && sizeof(Call) <= sizeof(shm::CallRecord));

// "AllReduce(count 10, float32, sum)", "Broadcast(count 3, int64, root 0)", "Barrier()". Takes any
// bits: the call may come from another process.
[[nodiscard]] std::string Describe(const Call& call);

}  // namespace flexmig::coll
