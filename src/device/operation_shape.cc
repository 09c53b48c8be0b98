#include "operation_shape.h"

#include <string_view>

#include "flexmig/base/strings.h"
#include "flexmig/reduce/types.h"

namespace flexmig::device {
namespace {

using Kind = Operation::Kind;

constexpr size_t kMaxCount = size_t{1} << 40;  // as coll's

// How many parts of `count` elements a rank's buffers have: 0, 1, or one for each rank.
struct Parts {
  size_t send = 0;
  size_t receive = 0;
};

Parts PartsOf(const Operation& operation, bool is_root, size_t ranks) {
  switch (operation.kind) {
    case Kind::kAllReduce: return {1, 1};
    case Kind::kReduce: return {1, is_root ? size_t{1} : 0};
    case Kind::kReduceScatter: return {ranks, 1};
    case Kind::kAllGather: return {1, ranks};
    case Kind::kGather: return {1, is_root ? ranks : 0};
    case Kind::kBroadcast: return {is_root ? size_t{1} : 0, 1};
    case Kind::kScatter: return {is_root ? ranks : 0, 1};
    case Kind::kAllToAll: return {ranks, ranks};
    case Kind::kExchange: break;
  }
  return {};
}

bool HasRoot(Kind kind) {
  return kind == Kind::kReduce || kind == Kind::kGather || kind == Kind::kBroadcast ||
         kind == Kind::kScatter;
}

bool Reduces(Kind kind) {
  return kind == Kind::kAllReduce || kind == Kind::kReduce || kind == Kind::kReduceScatter;
}

Status CheckTransfers(std::span<const Transfer> transfers, int world_size) {
  for (size_t i = 0; i < transfers.size(); ++i) {
    const Transfer& transfer = transfers[i];
    const auto refuse = [&](std::string_view why) {
      return InvalidArgumentError(StrCat("transfer ", i, ": ", why));
    };
    if (!reduce::IsValid(transfer.type)) return refuse("invalid data type");
    if (transfer.peer < 0 || transfer.peer >= world_size) {
      return refuse(StrCat("peer ", transfer.peer, " is not below the world size ", world_size));
    }
    if (transfer.count >= kMaxCount) {
      return refuse(StrCat("a count of ", transfer.count, " is too large"));
    }
    if (transfer.count > 0 && transfer.data == nullptr) return refuse("the buffer is null");
  }
  return OkStatus();
}

}  // namespace

Status CheckOperation(const Operation& operation, int rank, int world_size) {
  if (operation.kind > Kind::kExchange) return InvalidArgumentError("invalid kind of operation");
  if (operation.kind == Kind::kExchange) return CheckTransfers(operation.transfers, world_size);
  if (!reduce::IsValid(operation.type)) return InvalidArgumentError("invalid data type");
  if (Reduces(operation.kind) && !reduce::IsValid(operation.reduction.reduction.op)) {
    return InvalidArgumentError("invalid reduction");
  }
  if (HasRoot(operation.kind) && (operation.root < 0 || operation.root >= world_size)) {
    return InvalidArgumentError(
        StrCat("root ", operation.root, " is not below the world size ", world_size));
  }
  if (operation.count >= kMaxCount) {
    return InvalidArgumentError(StrCat("a count of ", operation.count, " is too large"));
  }
  const Parts parts = PartsOf(operation, rank == operation.root, static_cast<size_t>(world_size));
  if (operation.count > 0 && parts.send > 0 && operation.send == nullptr) {
    return InvalidArgumentError("the send buffer is null");
  }
  if (operation.count > 0 && parts.receive > 0 && operation.receive == nullptr) {
    return InvalidArgumentError("the receive buffer is null");
  }
  return OkStatus();
}

Traffic TrafficOf(const Operation& operation, int rank, int world_size) {
  Traffic traffic;
  if (operation.kind == Kind::kExchange) {
    for (const Transfer& transfer : operation.transfers) {
      const size_t bytes = transfer.count * reduce::ElementBytes(transfer.type);
      (transfer.direction == Transfer::Direction::kSend ? traffic.send_bytes
                                                        : traffic.receive_bytes) += bytes;
    }
    return traffic;
  }
  const Parts parts = PartsOf(operation, rank == operation.root, static_cast<size_t>(world_size));
  const size_t bytes = operation.count * reduce::ElementBytes(operation.type);
  return {parts.send * bytes, parts.receive * bytes};
}

size_t SizeOf(const Operation& operation, int rank, int world_size) {
  // On the root are the most bytes of operations that have one.
  const int busiest = HasRoot(operation.kind) ? operation.root : rank;
  return TrafficOf(operation, busiest, world_size).total();
}

Status Call(coll::Communicator& communicator, const Operation& operation,
            const coll::Reduction& reduction, const void* send, void* receive,
            std::span<const Transfer> transfers) {
  const size_t count = operation.count;
  const DataType type = operation.type;
  const int root = operation.root;
  switch (operation.kind) {
    case Kind::kAllReduce: return communicator.AllReduce(send, receive, count, type, reduction);
    case Kind::kReduce: return communicator.Reduce(send, receive, count, type, reduction, root);
    case Kind::kReduceScatter:
      return communicator.ReduceScatter(send, receive, count, type, reduction);
    case Kind::kAllGather: return communicator.AllGather(send, receive, count, type);
    case Kind::kGather: return communicator.Gather(send, receive, count, type, root);
    case Kind::kBroadcast: return communicator.Broadcast(send, receive, count, type, root);
    case Kind::kScatter: return communicator.Scatter(send, receive, count, type, root);
    case Kind::kAllToAll: return communicator.AllToAll(send, receive, count, type);
    case Kind::kExchange: return communicator.Exchange(transfers);
  }
  return InternalError("an operation of no kind");
}

}  // namespace flexmig::device
