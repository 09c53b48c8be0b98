// An Transport that hands everything to another NCCL.

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

#include "real_nccl.h"
#include "result.h"

namespace flexmig::nccl {
namespace {

using device::Operation;

constexpr std::chrono::milliseconds kPoll(1);

class RealTransport final : public Transport {
 public:
  // Owns `comm`, whose initialisation has ended.
  RealTransport(const RealNccl& real, ncclComm_t comm, int rank, int world_size)
      : real_(real), comm_(comm), rank_(rank), world_size_(world_size) {}
  ~RealTransport() override {
    if (const ncclComm_t comm = comm_.exchange(NCCL_COMM_NULL)) functions().comm_destroy(comm);
  }
  RealTransport(const RealTransport&) = delete;
  RealTransport& operator=(const RealTransport&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int world_size() const override { return world_size_; }

  Status BeginGroup() override { return Told(functions().group_start(), "ncclGroupStart"); }
  Status EndGroup() override { return Settled(functions().group_end(), "ncclGroupEnd"); }

  Status Enqueue(const Operation& operation, cuda::Stream stream) override {
    FLEXMIG_RETURN_IF_ERROR(status());
    const auto on = reinterpret_cast<cudaStream_t>(stream);
    if (operation.kind == Operation::Kind::kExchange) return Exchange(operation, on);
    ncclRedOp_t op = ncclSum;
    FLEXMIG_ASSIGN_OR_RETURN(const bool made, MakeOp(operation, op));
    Status called = Call(operation, op, on);
    // An operator may go as soon as the last call that was given it has returned.
    if (made) static_cast<void>(functions().red_op_destroy(op, comm_));
    return called;
  }

  // All that was enqueued ends with the streams; NCCL has no other way to ask.
  Status Drain(Deadline deadline) override {
    FLEXMIG_RETURN_IF_ERROR(status());
    FLEXMIG_RETURN_IF_ERROR(
        Settled(functions().comm_finalize(comm_), "ncclCommFinalize", deadline));
    return OkStatus();
  }

  Result<std::unique_ptr<Transport>> Split(int color, int key) override {
    FLEXMIG_RETURN_IF_ERROR(status());
    ncclComm_t child = NCCL_COMM_NULL;
    FLEXMIG_RETURN_IF_ERROR(
        Settled(functions().comm_split(comm_, color, key, &child, nullptr), "ncclCommSplit"));
    return Wrap(child);
  }

  Result<std::unique_ptr<Transport>> Shrink(std::span<const int> excluded) override {
    if (functions().comm_shrink == nullptr) {
      return UnimplementedError(StrCat("NCCL ", real_.version(), " has no ncclCommShrink"));
    }
    if (excluded.empty()) return UnimplementedError("NCCL cannot make a communicator anew");
    const ncclComm_t comm = comm_;
    if (comm == NCCL_COMM_NULL) return Aborted();
    std::vector<int> gone(excluded.begin(), excluded.end());
    ncclComm_t child = NCCL_COMM_NULL;
    FLEXMIG_RETURN_IF_ERROR(Told(
        functions().comm_shrink(comm, gone.data(), static_cast<int>(gone.size()), &child, nullptr,
                                status().ok() ? NCCL_SHRINK_DEFAULT : NCCL_SHRINK_ABORT),
        "ncclCommShrink"));
    return Wrap(child);
  }

  void Abort(const std::string&) override {
    if (const ncclComm_t comm = comm_.exchange(NCCL_COMM_NULL)) {
      static_cast<void>(functions().comm_abort(comm));
    }
  }

  [[nodiscard]] Status status() const override {
    const ncclComm_t comm = comm_;
    if (comm == NCCL_COMM_NULL) return Aborted();
    ncclResult_t result = ncclSuccess;
    FLEXMIG_RETURN_IF_ERROR(
        Told(functions().comm_get_async_error(comm, &result), "ncclCommGetAsyncError"));
    return result == ncclInProgress ? OkStatus() : Told(result, "the communicator");
  }

 private:
  [[nodiscard]] const RealNccl::Functions& functions() const { return real_.functions(); }
  [[nodiscard]] static Status Aborted() { return AbortedError("the communicator was aborted"); }
  [[nodiscard]] Status Told(ncclResult_t result, const char* what) const {
    return real_.ToStatus(result, what);
  }

  // Waits while the communicator is in progress, which it is in for a non-blocking configuration.
  Status Settled(ncclResult_t result, const char* what, Deadline deadline = Deadline::Never()) {
    while (result == ncclInProgress) {
      const ncclComm_t comm = comm_;
      if (comm == NCCL_COMM_NULL) return Aborted();
      if (deadline.HasPassed()) return DeadlineExceededError(StrCat(what, " did not end"));
      std::this_thread::sleep_for(kPoll);
      FLEXMIG_RETURN_IF_ERROR(
          Told(functions().comm_get_async_error(comm, &result), "ncclCommGetAsyncError"));
    }
    return Told(result, what);
  }

  Result<std::unique_ptr<Transport>> Wrap(ncclComm_t child) const {
    if (child == NCCL_COMM_NULL) return std::unique_ptr<Transport>();
    int rank = 0;
    int count = 0;
    FLEXMIG_RETURN_IF_ERROR(Told(functions().comm_user_rank(child, &rank), "ncclCommUserRank"));
    FLEXMIG_RETURN_IF_ERROR(Told(functions().comm_count(child, &count), "ncclCommCount"));
    return std::unique_ptr<Transport>(new RealTransport(real_, child, rank, count));
  }

  // Whether `op` is one that has to be destroyed.
  Result<bool> MakeOp(const Operation& operation, ncclRedOp_t& op) {
    const coll::Reduction& reduction = operation.reduction.reduction;
    if (reduction.op != reduce::ReduceOp::kPreMulSum) {
      op = FromReduceOp(reduction.op);
      return false;
    }
    const bool on_device = operation.reduction.device_scalar != nullptr;
    void* const scalar = on_device ? const_cast<void*>(operation.reduction.device_scalar)
                                   : const_cast<std::byte*>(reduction.scalar.bytes);
    FLEXMIG_RETURN_IF_ERROR(Told(
        functions().red_op_create(&op, scalar, FromDataType(operation.type),
                                  on_device ? ncclScalarDevice : ncclScalarHostImmediate, comm_),
        "ncclRedOpCreatePreMulSum"));
    return true;
  }

  Status Call(const Operation& o, ncclRedOp_t op, cudaStream_t stream) {
    const ncclDataType_t type = FromDataType(o.type);
    const RealNccl::Functions& f = functions();
    const ncclComm_t comm = comm_;
    switch (o.kind) {
      case Operation::Kind::kAllReduce:
        return Settled(f.all_reduce(o.send, o.receive, o.count, type, op, comm, stream),
                       "ncclAllReduce");
      case Operation::Kind::kReduce:
        return Settled(f.reduce(o.send, o.receive, o.count, type, op, o.root, comm, stream),
                       "ncclReduce");
      case Operation::Kind::kReduceScatter:
        return Settled(f.reduce_scatter(o.send, o.receive, o.count, type, op, comm, stream),
                       "ncclReduceScatter");
      case Operation::Kind::kAllGather:
        return Settled(f.all_gather(o.send, o.receive, o.count, type, comm, stream),
                       "ncclAllGather");
      case Operation::Kind::kBroadcast:
        return Settled(f.broadcast(o.send, o.receive, o.count, type, o.root, comm, stream),
                       "ncclBroadcast");
      case Operation::Kind::kGather:
      case Operation::Kind::kScatter:
      case Operation::Kind::kAllToAll: return Exchange(AsTransfers(o), stream);
      case Operation::Kind::kExchange: return Exchange(o, stream);
    }
    return InternalError("an operation of no kind");
  }

  // Versions before 2.28 have no calls for these.
  [[nodiscard]] Operation AsTransfers(const Operation& o) const {
    Operation exchange;
    exchange.kind = Operation::Kind::kExchange;
    const size_t bytes = o.count * reduce::ElementBytes(o.type);
    const auto* const send = static_cast<const std::byte*>(o.send);
    auto* const receive = static_cast<std::byte*>(o.receive);
    const auto add_send = [&](int peer, size_t part) {
      exchange.transfers.push_back(
          coll::Transfer::Send(send + part * bytes, o.count, o.type, peer));
    };
    const auto add_receive = [&](int peer, size_t part) {
      exchange.transfers.push_back(
          coll::Transfer::Receive(receive + part * bytes, o.count, o.type, peer));
    };
    const bool all = o.kind == Operation::Kind::kAllToAll;
    for (int peer = 0; peer < world_size_; ++peer) {
      const auto part = static_cast<size_t>(peer);
      if (all || (o.kind == Operation::Kind::kScatter && rank_ == o.root)) add_send(peer, part);
      if (all || (o.kind == Operation::Kind::kGather && rank_ == o.root)) add_receive(peer, part);
    }
    if (o.kind == Operation::Kind::kGather) add_send(o.root, 0);
    if (o.kind == Operation::Kind::kScatter) add_receive(o.root, 0);
    return exchange;
  }

  Status Exchange(const Operation& o, cudaStream_t stream) {
    FLEXMIG_RETURN_IF_ERROR(BeginGroup());
    Status called;
    for (const coll::Transfer& t : o.transfers) {
      if (!called.ok()) break;
      const ncclDataType_t type = FromDataType(t.type);
      called =
          t.direction == coll::Transfer::Direction::kSend
              ? Settled(functions().send(t.data, t.count, type, t.peer, comm_, stream), "ncclSend")
              : Settled(functions().recv(t.data, t.count, type, t.peer, comm_, stream), "ncclRecv");
    }
    const Status ended = EndGroup();
    return called.ok() ? ended : called;
  }

  const RealNccl& real_;
  std::atomic<ncclComm_t> comm_;
  const int rank_;
  const int world_size_;
};

}  // namespace

Result<std::unique_ptr<Transport>> MakeRealTransport(const RealNccl& real, const ncclUniqueId& id,
                                                     int rank, int world_size,
                                                     const std::function<Status()>& interrupted) {
  // Non-blocking while it is made, so that it can be given up.
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t comm = NCCL_COMM_NULL;
  ncclResult_t result =
      real.functions().comm_init_rank_config(&comm, world_size, id, rank, &config);
  while (result == ncclInProgress) {
    const Status wanted = interrupted ? interrupted() : OkStatus();
    if (!wanted.ok()) {
      static_cast<void>(real.functions().comm_abort(comm));
      return wanted;
    }
    std::this_thread::sleep_for(kPoll);
    FLEXMIG_RETURN_IF_ERROR(real.ToStatus(real.functions().comm_get_async_error(comm, &result),
                                          "ncclCommGetAsyncError"));
  }
  FLEXMIG_RETURN_IF_ERROR(real.ToStatus(result, "ncclCommInitRankConfig"));
  return std::unique_ptr<Transport>(new RealTransport(real, comm, rank, world_size));
}

}  // namespace flexmig::nccl
