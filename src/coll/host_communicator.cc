#include "host_communicator.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::coll {

shm::SegmentGeometry DefaultGeometry(int world_size) {
  constexpr uint64_t kPieceBytes = 32 << 10;
  return {world_size, 4, kPieceBytes * static_cast<uint64_t>(std::min(world_size, 8))};
}

void CopyBytes(void* to, const void* from, size_t bytes) {
  if (bytes != 0 && to != from) std::memcpy(to, from, bytes);
}

HostCommunicator::HostCommunicator(std::shared_ptr<shm::Segment> segment, int rank,
                                   std::chrono::milliseconds timeout)
    : segment_(std::move(segment)),
      rank_(rank),
      world_size_(segment_->geometry().world_size),
      timeout_(timeout),
      wait_policy_(shm::WaitPolicy::For(world_size_)),
      owner_process_(::getpid()) {}

Result<std::unique_ptr<HostCommunicator>> HostCommunicator::Create(
    std::shared_ptr<shm::Segment> segment, int rank, std::vector<shm::PeerWatcher::Peer> peers,
    std::chrono::milliseconds timeout) {
  FLEXMIG_CHECK(rank >= 0 && rank < segment->geometry().world_size);
  FLEXMIG_CHECK(segment->geometry().slots_per_rank >= kPipelineDepth);
  // ReduceScatter keeps a line of every slot for each rank.
  FLEXMIG_CHECK(segment->geometry().slot_bytes / shm::kLineBytes >=
                static_cast<uint64_t>(segment->geometry().world_size));
  segment->rank_block(rank).process_id.store(::getpid(), std::memory_order_relaxed);
  auto communicator =
      std::unique_ptr<HostCommunicator>(new HostCommunicator(std::move(segment), rank, timeout));
  if (!peers.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(
        communicator->watcher_,
        shm::PeerWatcher::Start(std::move(peers), [shared = communicator->segment_.get()](
                                                      int peer) { shared->RecordDeath(peer); }));
  }
  return communicator;
}

HostCommunicator::~HostCommunicator() {
  // A forked child has a copy of this object, but neither the mapping nor the watcher.
  if (::getpid() != owner_process_) return;
  watcher_.reset();
  segment_->RecordDeparture(rank_);
}

Status HostCommunicator::Begin(const Call& call, const void* send, const void* receive) {
  if (segment_->failed()) return *segment_->failure();
  current_call_ = call;
  ++calls_begun_;
  const auto refuse = [&](std::string_view why) {
    return Fail(InvalidArgumentError(StrCat("rank ", rank_, ", ", CurrentCall(), ": ", why)));
  };
  if (!reduce::IsValid(call.type)) return refuse("invalid data type");
  if (!reduce::IsValid(call.op)) return refuse("invalid reduction");
  if (call.root < 0 || call.root >= world_size_) {
    return refuse(StrCat("root is not below the world size ", world_size_));
  }
  const uint64_t limit = static_cast<uint64_t>(std::numeric_limits<ptrdiff_t>::max()) /
                         reduce::ElementBytes(call.type) / static_cast<uint64_t>(world_size_);
  if (call.count > limit) return refuse("count does not fit into memory");
  const bool sends = call.collective != Collective::kBroadcast || call.root == rank_;
  if (call.count > 0 && sends && send == nullptr) return refuse("the send buffer is null");
  if (call.count > 0 && receive == nullptr) return refuse("the receive buffer is null");
  // A record of four calls ago: all ranks have passed the start of the call before this one, and so
  // have compared the ones before.
  shm::CallRecord& record =
      segment_->rank_block(rank_).calls[calls_begun_ % shm::kCallRecordsPerRank];
  std::memcpy(record.bytes, &call, sizeof call);
  return OkStatus();
}

Status HostCommunicator::AwaitSlot(uint64_t step) {
  const uint64_t slots = segment_->geometry().slots_per_rank;
  if (step < finished_by_all_ + slots) return OkStatus();
  FLEXMIG_RETURN_IF_ERROR(AwaitEveryone(kFinished, step - slots));
  finished_by_all_ = std::numeric_limits<uint64_t>::max();
  for (int rank = 0; rank < world_size_; ++rank) {
    finished_by_all_ = std::min(finished_by_all_,
                                CounterOf(rank, kFinished).value.load(std::memory_order_acquire));
  }
  return OkStatus();
}

Status HostCommunicator::AwaitRank(int peer, Stage stage, uint64_t step) {
  return Await(peer, /*everyone=*/false, stage, step + 1);
}

Status HostCommunicator::AwaitEveryone(Stage stage, uint64_t step) {
  for (int peer = 0; peer < world_size_; ++peer) {
    if (peer == rank_) continue;
    FLEXMIG_RETURN_IF_ERROR(Await(peer, /*everyone=*/true, stage, step + 1));
  }
  return OkStatus();
}

Status HostCommunicator::AwaitSameCall(uint64_t step) {
  FLEXMIG_RETURN_IF_ERROR(AwaitEveryone(kStaged, step));
  for (int peer = 0; peer < world_size_; ++peer) {
    Call theirs;
    const shm::CallRecord& record =
        segment_->rank_block(peer).calls[calls_begun_ % shm::kCallRecordsPerRank];
    std::memcpy(&theirs, record.bytes, sizeof theirs);
    if (theirs == current_call_) continue;
    const bool first = rank_ < peer;  // alike whichever of the two finds out
    return Fail(InvalidArgumentError(
        StrCat("the ranks' calls differ: call ", calls_begun_, " of rank ", first ? rank_ : peer,
               " is ", Describe(first ? current_call_ : theirs), ", of rank ", first ? peer : rank_,
               " is ", Describe(first ? theirs : current_call_))));
  }
  return OkStatus();
}

void HostCommunicator::Done(Stage stage, uint64_t step) {
  shm::Publish(CounterOf(rank_, stage), step + 1);
}

Status HostCommunicator::Await(int peer, bool everyone, Stage stage, uint64_t target) {
  // A wait for everyone also ends when another rank than the one whose turn it is can never come.
  const uint64_t needed = everyone ? ~uint64_t{0} : uint64_t{1} << peer;
  int lost = -1;
  const auto interrupted = [&] {
    if (segment_->failed()) return true;
    lost = LostRank(needed, stage, target);
    return lost >= 0;
  };
  switch (
      shm::WaitUntilAtLeast(CounterOf(peer, stage), target, wait_policy_, timeout_, interrupted)) {
    case shm::WaitOutcome::kReached: return OkStatus();
    case shm::WaitOutcome::kTimedOut:
      return Fail(
          DeadlineExceededError(StrCat(NameOf(peer), " did not arrive within ", timeout_.count(),
                                       " ms; rank ", rank_, " waits for it in ", CurrentCall())));
    case shm::WaitOutcome::kInterrupted: break;
  }
  if (lost < 0) return *segment_->failure();
  const bool departed = (segment_->departed_ranks() >> lost & 1) != 0;
  return Fail(AbortedError(StrCat(NameOf(lost), departed ? " destroyed its communicator" : " died",
                                  "; rank ", rank_, " needs it for ", CurrentCall())));
}

int HostCommunicator::LostRank(uint64_t needed, Stage stage, uint64_t target) const {
  uint64_t gone = (segment_->dead_ranks() | segment_->departed_ranks()) & needed;
  for (; gone != 0; gone &= gone - 1) {
    const int rank = std::countr_zero(gone);
    // Read after the bit: whatever the rank did before its end is counted.
    if (CounterOf(rank, stage).value.load(std::memory_order_acquire) < target) return rank;
  }
  return -1;
}

Status HostCommunicator::Fail(const Status& why) {
  const std::lock_guard lock(failure_mutex_);
  if (!segment_->failed()) segment_->RecordFailure(rank_, why);
  return *segment_->failure();
}

void HostCommunicator::Abort(const std::string& reason) {
  static_cast<void>(Fail(AbortedError(StrCat("rank ", rank_, " aborted: ", reason))));
}

std::string HostCommunicator::CurrentCall() const {
  return StrCat("call ", calls_begun_, ", ", Describe(current_call_));
}

std::string HostCommunicator::NameOf(int rank) const {
  const int process = segment_->rank_block(rank).process_id.load(std::memory_order_relaxed);
  return StrCat("rank ", rank, " (process ", process, ")");
}

}  // namespace flexmig::coll
