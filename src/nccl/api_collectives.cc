// Everything that is put into a stream.

#include <string>
#include <utility>

#include "flexmig/base/strings.h"

#include "api.h"
#include "border.h"
#include "debug_log.h"
#include "group.h"
#include "operations.h"
#include "result.h"

namespace flexmig::nccl {
namespace {

using device::Operation;

void LogCall(const char* function, const Operation& operation, const Comm& comm,
             cudaStream_t stream) {
  const bool is_exchange = operation.kind == Operation::Kind::kExchange;
  const Subsystem subsystem = is_exchange ? Subsystem::kPointToPoint : Subsystem::kCollective;
  if (!LogsInfo(subsystem)) return;
  const size_t count = is_exchange ? operation.transfers[0].count : operation.count;
  const auto type = is_exchange ? operation.transfers[0].type : operation.type;
  const int root = is_exchange ? operation.transfers[0].peer : operation.root;
  LogInfo(subsystem, comm.device(),
          StrCat(function, ": communicator ", comm.lineage(), " rank ", comm.rank(), " count ",
                 count, " ", reduce::DataTypeName(type), is_exchange ? " peer " : " root ", root,
                 " stream ", reinterpret_cast<uintptr_t>(stream)));
}

// The part that all share: checks, the log, and the group. `complete` sets what needs the
// communicator.
template <typename Complete>
ncclResult_t Put(const char* function, ncclComm_t handle, cudaStream_t stream, Operation operation,
                 const Complete& complete) noexcept {
  return Border(function, [&]() -> Status {
    const auto put = [&]() -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(std::shared_ptr<Comm> comm, FindComm(handle));
      FLEXMIG_RETURN_IF_ERROR(comm->Usable());
      FLEXMIG_RETURN_IF_ERROR(complete(*comm, operation));
      FLEXMIG_RETURN_IF_ERROR(CheckOperation(operation, comm->rank(), comm->world_size()));
      LogCall(function, operation, *comm, stream);
      return Group::OfThisThread().Add(
          {std::move(comm), std::move(operation),
           static_cast<cuda::Stream>(reinterpret_cast<uintptr_t>(stream))});
    };
    const Status status = put();
    Group::OfThisThread().Fail(status);
    return status;
  });
}

Operation Make(Operation::Kind kind, const void* send, void* receive, size_t count, int root) {
  Operation operation;
  operation.kind = kind;
  operation.send = send;
  operation.receive = receive;
  operation.count = count;
  operation.root = root;
  return operation;
}

ncclResult_t PutMove(const char* function, Operation operation, ncclDataType_t type,
                     ncclComm_t comm, cudaStream_t stream) noexcept {
  return Put(function, comm, stream, std::move(operation),
             [type](const Comm&, Operation& o) -> Status {
               FLEXMIG_ASSIGN_OR_RETURN(o.type, ToDataType(type));
               return OkStatus();
             });
}

ncclResult_t PutReduction(const char* function, Operation operation, ncclDataType_t type,
                          ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) noexcept {
  return Put(function, comm, stream, std::move(operation),
             [type, op](const Comm& of, Operation& o) -> Status {
               FLEXMIG_ASSIGN_OR_RETURN(o.type, ToDataType(type));
               FLEXMIG_ASSIGN_OR_RETURN(o.reduction, of.ReductionOf(op, o.type));
               return OkStatus();
             });
}

ncclResult_t PutTransfer(const char* function, coll::Transfer::Direction direction,
                         const void* data, size_t count, ncclDataType_t type, int peer,
                         ncclComm_t comm, cudaStream_t stream) noexcept {
  return Put(function, comm, stream, Make(Operation::Kind::kExchange, nullptr, nullptr, 0, 0),
             [=](const Comm&, Operation& o) -> Status {
               FLEXMIG_ASSIGN_OR_RETURN(const reduce::DataType element, ToDataType(type));
               o.transfers.push_back({direction, peer, const_cast<void*>(data), count, element});
               return OkStatus();
             });
}

}  // namespace
}  // namespace flexmig::nccl

using flexmig::nccl::Make;
using flexmig::nccl::PutMove;
using flexmig::nccl::PutReduction;
using flexmig::nccl::PutTransfer;
using Kind = flexmig::device::Operation::Kind;

extern "C" {

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutReduction("ncclAllReduce", Make(Kind::kAllReduce, send, receive, count, 0), type, op,
                      comm, stream);
}
FLEXMIG_NCCL_ALIAS(AllReduce);

ncclResult_t ncclReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutReduction("ncclReduce", Make(Kind::kReduce, send, receive, count, root), type, op, comm,
                      stream);
}
FLEXMIG_NCCL_ALIAS(Reduce);

ncclResult_t ncclReduceScatter(const void* send, void* receive, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutReduction("ncclReduceScatter", Make(Kind::kReduceScatter, send, receive, count, 0),
                      type, op, comm, stream);
}
FLEXMIG_NCCL_ALIAS(ReduceScatter);

ncclResult_t ncclAllGather(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutMove("ncclAllGather", Make(Kind::kAllGather, send, receive, count, 0), type, comm,
                 stream);
}
FLEXMIG_NCCL_ALIAS(AllGather);

ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutMove("ncclBroadcast", Make(Kind::kBroadcast, send, receive, count, root), type, comm,
                 stream);
}
FLEXMIG_NCCL_ALIAS(Broadcast);

ncclResult_t ncclBcast(void* buffer, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                       cudaStream_t stream) noexcept {
  return PutMove("ncclBcast", Make(Kind::kBroadcast, buffer, buffer, count, root), type, comm,
                 stream);
}
FLEXMIG_NCCL_ALIAS(Bcast);

ncclResult_t ncclAlltoAll(const void* send, void* receive, size_t count, ncclDataType_t type,
                          ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutMove("ncclAlltoAll", Make(Kind::kAllToAll, send, receive, count, 0), type, comm,
                 stream);
}
FLEXMIG_NCCL_ALIAS(AlltoAll);

ncclResult_t ncclGather(const void* send, void* receive, size_t count, ncclDataType_t type,
                        int root, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutMove("ncclGather", Make(Kind::kGather, send, receive, count, root), type, comm, stream);
}
FLEXMIG_NCCL_ALIAS(Gather);

ncclResult_t ncclScatter(const void* send, void* receive, size_t count, ncclDataType_t type,
                         int root, ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutMove("ncclScatter", Make(Kind::kScatter, send, receive, count, root), type, comm,
                 stream);
}
FLEXMIG_NCCL_ALIAS(Scatter);

ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) noexcept {
  return PutTransfer("ncclSend", flexmig::coll::Transfer::Direction::kSend, data, count, type, peer,
                     comm, stream);
}
FLEXMIG_NCCL_ALIAS(Send);

ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) noexcept {
  return PutTransfer("ncclRecv", flexmig::coll::Transfer::Direction::kReceive, data, count, type,
                     peer, comm, stream);
}
FLEXMIG_NCCL_ALIAS(Recv);

}  // extern "C"
