#include "flexmig/reduce/types.h"

#include "operation_shape.h"
#include "queued_operation.h"

namespace flexmig::device {
namespace {

// Pieces begin on lines of their own: what the device writes and what the processor writes never
// share one.
constexpr size_t kLine = 128;

class Packing {
 public:
  size_t Add(size_t bytes) {
    const size_t at = end_;
    end_ += (bytes + kLine - 1) / kLine * kLine;
    return at;
  }
  [[nodiscard]] size_t end() const { return end_; }

 private:
  size_t end_ = 0;
};

std::byte* Writable(const void* buffer) {
  return const_cast<std::byte*>(static_cast<const std::byte*>(buffer));
}

}  // namespace

BounceLayout BounceLayout::Of(const Operation& operation, int rank, int world_size) {
  BounceLayout layout;
  Packing packing;
  if (operation.kind == Operation::Kind::kExchange) {
    layout.transfers.reserve(operation.transfers.size());
    for (const Transfer& transfer : operation.transfers) {
      const size_t bytes = transfer.count * reduce::ElementBytes(transfer.type);
      const size_t at = packing.Add(bytes);
      layout.transfers.push_back(at);
      if (bytes == 0) continue;
      auto& pieces = transfer.direction == Transfer::Direction::kSend ? layout.in : layout.out;
      pieces.push_back({static_cast<std::byte*>(transfer.data), at, bytes});
    }
  } else {
    const Traffic traffic = TrafficOf(operation, rank, world_size);
    layout.send = packing.Add(traffic.send_bytes);
    layout.receive = packing.Add(traffic.receive_bytes);
    if (traffic.send_bytes > 0) {
      layout.in.push_back({Writable(operation.send), layout.send, traffic.send_bytes});
    }
    // The root of a broadcast in place has the result already.
    const bool stays = operation.kind == Operation::Kind::kBroadcast && rank == operation.root &&
                       operation.send == operation.receive;
    if (traffic.receive_bytes > 0 && !stays) {
      layout.out.push_back({Writable(operation.receive), layout.receive, traffic.receive_bytes});
    }
  }
  layout.bytes = packing.end();
  return layout;
}

}  // namespace flexmig::device
