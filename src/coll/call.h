#pragma once

#include <cstdint>
#include <string>

#include "flexmig/reduce/types.h"

namespace flexmig::coll {

// Numbers are part of the segment's format.
enum class Collective : uint8_t {
  kAllReduce = 0,
  kBroadcast = 1,
  kAllGather = 2,
  kReduceScatter = 3,
  kBarrier = 4,
  kReduce = 5,
  kGather = 6,
  kScatter = 7,
  kAllToAll = 8,
  kAllToAllV = 9,
  // All-gathers of what the ranks ask for.
  kAllocateShared = 10,
  kFreeShared = 11,
  kSplit = 12,
  kGreeting = 13,  // the first of every communicator
};
inline constexpr int kCollectives = 14;

// What one rank asks for: equal on all ranks, or the call is refused.
struct Call {
  uint64_t count = 0;  // below kMaxCount
  int root = 0;        // fields that a collective does not have are 0
  Collective collective = Collective::kBarrier;
  reduce::DataType type = reduce::DataType::kFloat32;
  reduce::ReduceOp op = reduce::ReduceOp::kSum;
  bool moved = false;  // through a Mover

  friend bool operator==(const Call&, const Call&) = default;
};

// 2^40 elements are a tebibyte and more.
inline constexpr uint64_t kMaxCount = uint64_t{1} << 40;

// A Call in one word, which ranks can write and compare at once: from the lowest bit, 40 of count,
// 6 of root, 6 of collective, 6 of type, 5 of op, 1 of moved; what does not fit is cut.
[[nodiscard]] constexpr uint64_t Encode(const Call& call) {
  constexpr uint64_t kSixBits = 63;
  constexpr uint64_t kFiveBits = 31;
  return (call.count & (kMaxCount - 1)) | (static_cast<uint64_t>(call.root) & kSixBits) << 40 |
         (static_cast<uint64_t>(call.collective) & kSixBits) << 46 |
         (static_cast<uint64_t>(call.type) & kSixBits) << 52 |
         (static_cast<uint64_t>(call.op) & kFiveBits) << 58 |
         static_cast<uint64_t>(call.moved) << 63;
}
[[nodiscard]] constexpr Call Decode(uint64_t word) {
  constexpr uint64_t kSixBits = 63;
  constexpr uint64_t kFiveBits = 31;
  Call call;
  call.count = word & (kMaxCount - 1);
  call.root = static_cast<int>(word >> 40 & kSixBits);
  call.collective = static_cast<Collective>(word >> 46 & kSixBits);
  call.type = static_cast<reduce::DataType>(word >> 52 & kSixBits);
  call.op = static_cast<reduce::ReduceOp>(word >> 58 & kFiveBits);
  call.moved = word >> 63 != 0;
  return call;
}

// "AllReduce(count 10, float32, sum)", "Broadcast(count 3, int64, root 0)", "Barrier()"; with
// " through a mover" behind it if so. Takes any bytes, as they come from shared memory.
std::string Describe(const Call& call);

}  // namespace flexmig::coll
