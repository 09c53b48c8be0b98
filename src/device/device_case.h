#pragma once

#include <algorithm>
#include <cstddef>

#include <gtest/gtest.h>

#include "collective_case.h"
#include "sim_device.h"

// coll's made-up calls (collective_case.h) on device memory.
namespace flexmig::device {

using coll::Bytes8;
using coll::Collective;
using coll::CollectiveCase;

inline Operation::Kind KindOf(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce: return Operation::Kind::kAllReduce;
    case Collective::kReduce: return Operation::Kind::kReduce;
    case Collective::kReduceScatter: return Operation::Kind::kReduceScatter;
    case Collective::kAllGather: return Operation::Kind::kAllGather;
    case Collective::kGather: return Operation::Kind::kGather;
    case Collective::kBroadcast: return Operation::Kind::kBroadcast;
    case Collective::kScatter: return Operation::Kind::kScatter;
    default: return Operation::Kind::kAllToAll;
  }
}

enum class Buffers { kSeparate, kInPlace, kOddAddresses };

// One call of one rank, in device memory: put into a stream first, checked later.
class DeviceCase {
 public:
  DeviceCase(const CollectiveCase& call, int rank, int world_size, Buffers buffers)
      : call_(call),
        buffers_(buffers),
        send_(call.Send(rank, world_size)),
        expected_(call.Expected(rank, world_size)),
        room_(std::max(send_.size(), call.receive_parts(world_size) * call.part_bytes()) + 2),
        sent_(Bytes8(room_, std::byte{0x5a})),
        received_(Bytes8(room_, std::byte{0x5a})) {
    const size_t own = static_cast<size_t>(rank) * call.part_bytes();
    if (buffers == Buffers::kOddAddresses) from_ = to_ = 1;
    if (buffers == Buffers::kInPlace) {
      if (call.receive_parts(world_size) > 1) from_ = own;
      if (call.send_parts(world_size) > 1) to_ = own;
    }
    sent_.Write(send_, from_);
    operation_.kind = KindOf(call.collective);
    const DeviceBuffer& target = buffers == Buffers::kInPlace ? sent_ : received_;
    operation_.send = call.sends(rank) ? sent_.data() + from_ : nullptr;
    operation_.receive = call.receives(rank) ? target.data() + to_ : nullptr;
    operation_.count = call.count;
    operation_.type = call.type;
    operation_.reduction.reduction = call.ReductionOf(rank);
    operation_.root = call.root;
  }

  [[nodiscard]] const Operation& operation() const { return operation_; }
  [[nodiscard]] Operation& operation() { return operation_; }

  // When the stream has gone by.
  void Check() const {
    const Bytes8 sent = sent_.Read();
    const Bytes8 received = buffers_ == Buffers::kInPlace ? sent : received_.Read();
    const auto begin = received.begin() + static_cast<ptrdiff_t>(to_);
    ASSERT_TRUE(std::equal(expected_.begin(), expected_.end(), begin)) << call_.ToString();
    if (buffers_ == Buffers::kInPlace) return;
    ASSERT_TRUE(
        std::equal(send_.begin(), send_.end(), sent.begin() + static_cast<ptrdiff_t>(from_)))
        << call_.ToString();
    ASSERT_EQ(std::to_integer<int>(*(begin + static_cast<ptrdiff_t>(expected_.size()))), 0x5a)
        << call_.ToString();
    if (to_ == 1) {
      ASSERT_EQ(std::to_integer<int>(received[0]), 0x5a) << call_.ToString();
    }
  }

 private:
  CollectiveCase call_;
  Buffers buffers_;
  Bytes8 send_;
  Bytes8 expected_;
  size_t room_;  // a byte more on each side, which nobody may touch
  size_t from_ = 0;
  size_t to_ = 0;
  DeviceBuffer sent_;
  DeviceBuffer received_;
  Operation operation_;
};

// Makes the call in the stream, waits, and compares.
inline void RunCase(DeviceCommunicator& communicator, const UserStream& stream,
                    const CollectiveCase& call, Buffers buffers) {
  const DeviceCase made(call, communicator.rank(), communicator.world_size(), buffers);
  ASSERT_EQ(communicator.Enqueue(made.operation(), stream.get()), OkStatus()) << call.ToString();
  stream.Synchronize();
  ASSERT_EQ(communicator.status(), OkStatus())
      << call.ToString() << ": " << communicator.status().ToString();
  made.Check();
}

}  // namespace flexmig::device
