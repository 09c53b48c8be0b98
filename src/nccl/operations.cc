#include "operations.h"

#include "flexmig/base/strings.h"

namespace flexmig::nccl {
namespace {

using Kind = device::Operation::Kind;

constexpr size_t kMaxCount = size_t{1} << 40;  // as coll's: no product overflows

struct Uses {
  bool root = false;
  bool send = true;
  bool receive = true;
};

Uses UsesOf(Kind kind, bool is_root) {
  switch (kind) {
    case Kind::kReduce:
    case Kind::kGather: return {true, true, is_root};
    case Kind::kBroadcast:
    case Kind::kScatter: return {true, is_root, true};
    case Kind::kAllReduce:
    case Kind::kReduceScatter:
    case Kind::kAllGather:
    case Kind::kAllToAll:
    case Kind::kExchange: break;
  }
  return {};
}

Status CheckCount(size_t count) {
  if (count < kMaxCount) return OkStatus();
  return InvalidArgumentError(StrCat("a count of ", count, " is too large"));
}

}  // namespace

Status CheckOperation(const device::Operation& operation, int rank, int world_size) {
  for (const coll::Transfer& transfer : operation.transfers) {
    if (transfer.peer < 0 || transfer.peer >= world_size) {
      return InvalidArgumentError(
          StrCat("peer ", transfer.peer, " is not one of the ", world_size, " ranks"));
    }
    FLEXMIG_RETURN_IF_ERROR(CheckCount(transfer.count));
    if (transfer.count > 0 && transfer.data == nullptr) {
      return InvalidArgumentError("the buffer is null");
    }
  }
  if (operation.kind == Kind::kExchange) return OkStatus();
  FLEXMIG_RETURN_IF_ERROR(CheckCount(operation.count));
  const Uses uses = UsesOf(operation.kind, rank == operation.root);
  if (uses.root && (operation.root < 0 || operation.root >= world_size)) {
    return InvalidArgumentError(
        StrCat("root ", operation.root, " is not one of the ", world_size, " ranks"));
  }
  if (operation.count == 0) return OkStatus();
  if (uses.send && operation.send == nullptr) {
    return InvalidArgumentError("the send buffer is null");
  }
  if (uses.receive && operation.receive == nullptr) {
    return InvalidArgumentError("the receive buffer is null");
  }
  return OkStatus();
}

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::kAllReduce: return "AllReduce";
    case Kind::kReduce: return "Reduce";
    case Kind::kReduceScatter: return "ReduceScatter";
    case Kind::kAllGather: return "AllGather";
    case Kind::kGather: return "Gather";
    case Kind::kBroadcast: return "Broadcast";
    case Kind::kScatter: return "Scatter";
    case Kind::kAllToAll: return "AlltoAll";
    case Kind::kExchange: return "SendRecv";
  }
  return "?";
}

}  // namespace flexmig::nccl
