#include "comm.h"

#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <unistd.h>

#include "flexmig/base/strings.h"

#include "debug_log.h"
#include "result.h"

namespace flexmig::nccl {
namespace {

// How long Stop and Close wait for jobs that have been told to end; they do so within 20 ms, unless
// the driver hangs.
constexpr std::chrono::seconds kJobsEnd(10);

Status InProgress() {
  return InvalidArgumentError(
      "the communicator's previous call has not ended yet: wait until ncclCommGetAsyncError says "
      "ncclSuccess");
}

}  // namespace

Comm::Comm(Config config, Settings settings, std::string lineage, int rank, int world_size,
           int device)
    : config_(std::move(config)),
      settings_(std::move(settings)),
      lineage_(std::move(lineage)),
      owner_(::getpid()),
      rank_(rank),
      world_size_(world_size),
      device_(device) {}

Comm::~Comm() {
  // A forked child's copy has none of the threads that the transport would wait for.
  if (is_own()) return;
  auto* const kept = new (std::nothrow) std::shared_ptr<Transport>();
  if (kept != nullptr) *kept = std::move(transport_);
}

bool Comm::is_own() const { return ::getpid() == owner_; }

void Comm::EndInit(Result<MadeTransport> made) {
  const std::lock_guard lock(mutex_);
  if (made.ok()) {
    transport_ = std::move(made->transport);
    home_ = made->home;
    rank_ = transport_->rank();
    world_size_ = transport_->world_size();
    device_ = home_.device;
    state_ = State::kReady;
    // Stop came when there was no transport yet to end.
    if (stopped_) transport_->Abort("the communicator was aborted");
  } else {
    failure_ = made.status();
    state_ = State::kFailed;
  }
  --jobs_;
  changed_.notify_all();
}

Status Comm::BeginJob() {
  const std::lock_guard lock(mutex_);
  // A dead communicator can be shrunk, and a revoked one split.
  if (jobs_ > 0) return InProgress();
  if (state_ == State::kFailed) return failure_;
  if (state_ == State::kFinalized) {
    return FailedPreconditionError("the communicator has been finalised");
  }
  ++jobs_;
  return OkStatus();
}

void Comm::EndJob(const Status& failed) {
  const std::lock_guard lock(mutex_);
  if (!failed.ok()) failure_ = failed;
  --jobs_;
  changed_.notify_all();
}

Status Comm::Wanted() const {
  return stopped_ ? AbortedError("the communicator was aborted") : OkStatus();
}

Status Comm::UsableLocked() const {
  if (jobs_ > 0) return InProgress();
  switch (state_) {
    case State::kInitializing: return InProgress();
    case State::kFailed: return failure_;
    case State::kFinalized: return FailedPreconditionError("the communicator has been finalised");
    case State::kRevoked: return FailedPreconditionError("the communicator has been revoked");
    case State::kReady: break;
  }
  return transport_->status();
}

Status Comm::Usable() const {
  const std::lock_guard lock(mutex_);
  return UsableLocked();
}

Status Comm::Initialized() const {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kInitializing) return InProgress();
  return state_ == State::kFailed ? failure_ : OkStatus();
}

ncclResult_t Comm::AsyncResult(std::string& why) const {
  const std::lock_guard lock(mutex_);
  if (jobs_ > 0) return ncclInProgress;
  Status status = failure_;
  if (status.ok() && transport_ != nullptr && state_ != State::kRevoked) {
    status = transport_->status();
    if (!status.ok() && !std::exchange(told_death_, true)) {
      LogWarn(device_, StrCat("rank ", rank(), ": the communicator has ended: ", status.message()));
    }
  }
  why = status.message();
  return ToResult(status.code());
}

std::shared_ptr<Transport> Comm::transport() const {
  const std::lock_guard lock(mutex_);
  return transport_;
}

Home Comm::home() const {
  const std::lock_guard lock(mutex_);
  return home_;
}

Status Comm::BeginFinalize() {
  const std::lock_guard lock(mutex_);
  FLEXMIG_RETURN_IF_ERROR(UsableLocked());
  state_ = State::kFinalized;
  ++jobs_;
  return OkStatus();
}

Status Comm::EndFinalize() {
  Status drained = transport()->Drain(Deadline::After(settings_.timeout));
  EndJob(drained);
  return drained;
}

Status Comm::Revoke() {
  std::shared_ptr<Transport> transport;
  {
    const std::lock_guard lock(mutex_);
    Status usable = UsableLocked();
    if (!usable.ok() && state_ != State::kReady) return usable;
    if (jobs_ > 0) return usable;
    transport = transport_;
    state_ = State::kRevoked;
    ++jobs_;
  }
  transport->Abort("the communicator was revoked");
  // Ends with what Abort says; here it is waited for, so that buffers are at rest.
  static_cast<void>(transport->Drain(Deadline::After(kJobsEnd)));
  EndJob(OkStatus());
  return OkStatus();
}

bool Comm::is_revoked() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kRevoked;
}

void Comm::AwaitJobs(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  changed_.wait_until(lock, deadline.when(), [&] { return jobs_ == 0; });
}

void Comm::Stop(const std::string& reason) {
  stopped_ = true;
  if (!is_own()) return;
  if (const auto running = transport()) running->Abort(reason);
  std::unique_lock lock(mutex_);
  AwaitJobs(lock, Deadline::After(kJobsEnd));
}

void Comm::Close() {
  if (!is_own()) return;
  std::unique_lock lock(mutex_);
  // Nobody has any use for an initialisation that has not ended.
  if (state_ == State::kInitializing) stopped_ = true;
  AwaitJobs(lock, Deadline::After(settings_.timeout));
  if (state_ != State::kReady || !transport_->status().ok()) return;
  const auto running = transport_;
  state_ = State::kFinalized;
  lock.unlock();
  const Status drained = running->Drain(Deadline::After(settings_.timeout));
  if (!drained.ok()) {
    LogWarn(device_, StrCat("rank ", rank(),
                            ": destroyed with operations that failed: ", drained.message()));
  }
}

Result<ncclRedOp_t> Comm::CreatePreMulSum(const void* scalar, ncclDataType_t type,
                                          ncclScalarResidence_t residence) {
  FLEXMIG_ASSIGN_OR_RETURN(const reduce::DataType element, ToDataType(type));
  if (scalar == nullptr) return InvalidArgumentError("the scalar is null");
  PreMulSum made{element, {}};
  made.reduction.reduction = reduce::ReduceOp::kPreMulSum;
  switch (residence) {
    case ncclScalarDevice: made.reduction.device_scalar = scalar; break;
    case ncclScalarHostImmediate:
      std::memcpy(made.reduction.reduction.scalar.bytes, scalar, reduce::ElementBytes(element));
      break;
    default:
      return InvalidArgumentError(
          StrCat("scalar residence ", static_cast<unsigned>(residence), " is none"));
  }
  const std::lock_guard lock(mutex_);
  if (next_op_ == std::numeric_limits<int>::max()) {
    return ResourceExhaustedError("no more reductions can be made for this communicator");
  }
  const int op = next_op_++;
  ops_.emplace(op, made);
  return static_cast<ncclRedOp_t>(op);
}

Status Comm::DestroyOp(ncclRedOp_t op) {
  const std::lock_guard lock(mutex_);
  if (ops_.erase(static_cast<int>(op)) == 1) return OkStatus();
  return InvalidArgumentError(StrCat("reduction ", static_cast<unsigned>(op),
                                     " was not made for this communicator, or destroyed before"));
}

Result<device::DeviceReduction> Comm::ReductionOf(ncclRedOp_t op, reduce::DataType type) const {
  if (op < ncclNumOps) {
    FLEXMIG_ASSIGN_OR_RETURN(const reduce::ReduceOp plain, ToReduceOp(op));
    device::DeviceReduction reduction;
    reduction.reduction = plain;
    return reduction;
  }
  const std::lock_guard lock(mutex_);
  const auto found = ops_.find(static_cast<int>(op));
  if (found == ops_.end()) {
    return InvalidArgumentError(StrCat("reduction ", static_cast<unsigned>(op),
                                       " was not made for this communicator, or destroyed before"));
  }
  if (found->second.type != type) {
    return InvalidArgumentError(StrCat("the reduction was made for ",
                                       reduce::DataTypeName(found->second.type),
                                       ", the call is of ", reduce::DataTypeName(type)));
  }
  return found->second.reduction;
}

void* Comm::Register() {
  const std::lock_guard lock(mutex_);
  const uintptr_t handle = next_registered_++;
  registered_.insert(handle);
  return reinterpret_cast<void*>(handle);
}

Status Comm::Deregister(void* handle) {
  const std::lock_guard lock(mutex_);
  if (registered_.erase(reinterpret_cast<uintptr_t>(handle)) == 1) return OkStatus();
  return InvalidArgumentError("the handle is of no registered buffer of this communicator");
}

}  // namespace flexmig::nccl
