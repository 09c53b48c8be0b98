#include "host_communicator.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::coll {
namespace {

Selection ReadSelection(const shm::Segment& segment) {
  Selection table;
  static_assert(sizeof table <= sizeof(shm::SegmentHeader::settings));
  std::memcpy(&table, segment.settings().data(), sizeof table);
  return table;
}

// Whether a Mover makes it another call. An all-to-all-v is messages, which each rank moves as it
// can; the others after all-to-all and the barrier have no buffers of the user's.
bool IsMoved(Collective collective) {
  return collective <= Collective::kAllToAll && collective != Collective::kBarrier;
}

// What Create asked while it waited may be gone.
CommunicatorOptions Kept(CommunicatorOptions options) {
  options.interrupted = {};
  return options;
}

}  // namespace

shm::SegmentGeometry GeometryFor(int world_size, size_t chunk_bytes) {
  // Four slots of 32 KiB a rank, at most 256 KiB each, so that the chunks in flight of four ranks
  // (2 MiB) stay in the level-2 caches of two cores.
  constexpr uint64_t kPieceBytes = 32 << 10;
  const auto ranks = static_cast<uint64_t>(world_size);
  shm::SegmentGeometry geometry;
  geometry.world_size = world_size;
  geometry.slots_per_rank = 4;
  geometry.slot_bytes = kPieceBytes * std::min<uint64_t>(ranks, 8);
  // The rings of a rank's messages to all others take 256 KiB at most: 1 KiB a piece for 64 ranks.
  geometry.message_bytes = static_cast<uint32_t>(
      std::min<uint64_t>(kPieceBytes, (64 << 10) / ranks / shm::kLineBytes * shm::kLineBytes));
  if (chunk_bytes == 0) return geometry;
  // The rings of a rank's messages take as much as its slots.
  geometry.slot_bytes = chunk_bytes;
  geometry.message_bytes =
      static_cast<uint32_t>(chunk_bytes / ranks / shm::kLineBytes * shm::kLineBytes);
  return geometry;
}

HostCommunicator::HostCommunicator(std::shared_ptr<shm::Segment> segment,
                                   const CommunicatorOptions& options)
    : options_(Kept(options)),
      selection_(ReadSelection(*segment)),
      owner_process_(::getpid()),
      engine_(std::move(segment), options.rank.value(), options.timeout),
      exchanger_(engine_) {}

Result<std::unique_ptr<HostCommunicator>> HostCommunicator::Create(
    std::shared_ptr<shm::Segment> segment, const CommunicatorOptions& options,
    std::vector<shm::PeerWatcher::Peer> peers) {
  // Some collectives keep a line of every slot for each rank.
  FLEXMIG_CHECK(segment->geometry().slot_bytes / shm::kLineBytes >=
                static_cast<uint64_t>(segment->geometry().world_size));
  segment->rank_block(options.rank.value()).process_id.store(::getpid(), std::memory_order_relaxed);
  auto communicator =
      std::unique_ptr<HostCommunicator>(new HostCommunicator(std::move(segment), options));
  if (!peers.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(
        communicator->watcher_,
        shm::PeerWatcher::Start(std::move(peers), [shared = &communicator->engine_.segment()](
                                                      int peer) { shared->RecordDeath(peer); }));
  }
  return communicator;
}

HostCommunicator::~HostCommunicator() {
  // A forked child has a copy of this object, but neither the mapping nor the watcher.
  if (::getpid() != owner_process_) return;
  watcher_.reset();
  engine_.segment().RecordDeparture(rank());
  // A device may still write to it: what would be mapped there next is not ours to lose.
  if (copies_did_not_end_) engine_.segment().memory().KeepMapped();
}

std::span<std::byte> HostCommunicator::staging() const {
  const shm::SharedMemory& memory = engine_.segment().memory();
  return {memory.data(), static_cast<size_t>(memory.size().count())};
}

Status HostCommunicator::Begin(const Shape& shape, const void* send, void* receive, size_t count,
                               DataType type, const Reduction& reduction, int root, Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine_.Begin({count, root, shape.collective, type, reduction.op,
                                         mover_ != nullptr && IsMoved(shape.collective)}));
  if (!reduce::IsValid(type)) return engine_.Refuse("invalid data type");
  if (!reduce::IsValid(reduction.op)) return engine_.Refuse("invalid reduction");
  if (root < 0 || root >= world_size()) {
    return engine_.Refuse(StrCat("root ", root, " is not below the world size ", world_size()));
  }
  // No product below overflows: 2^40 elements of 8 bytes for 64 ranks.
  if (count >= kMaxCount) return engine_.Refuse(StrCat("a count of ", count, " is too large"));
  if (count > 0 && shape.send_parts > 0 && send == nullptr) {
    return engine_.Refuse("the send buffer is null");
  }
  if (count > 0 && shape.receive_parts > 0 && receive == nullptr) {
    return engine_.Refuse("the receive buffer is null");
  }
  op.send = static_cast<const std::byte*>(send);
  op.receive = static_cast<std::byte*>(receive);
  op.count = count;
  op.element = reduce::ElementBytes(type);
  op.type = type;
  op.reduction = reduction;
  op.root = root;
  return OkStatus();
}

bool HostCommunicator::IsSmall(Collective collective, const Operation& op, size_t parts,
                               size_t staged_parts) const {
  SelectionFacts facts;
  facts.bytes = parts * op.bytes();
  facts.staged_bytes = staged_parts * op.bytes();
  facts.slot_bytes = engine_.slot_bytes();
  return Select(ThresholdsFor(collective), facts) == Algorithm::kSmall;
}

Result<PeerBuffers> HostCommunicator::AnnounceBuffers(const Shape& shape, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncementFree());
  WriteFactor(engine_, op);
  PeerBuffers::Offer(engine_, regions_, op.send, shape.send_parts * op.bytes(), op.receive,
                     shape.receive_parts * op.bytes());
  engine_.Announce();
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncements());
  return PeerBuffers(engine_, regions_);
}

Algorithm HostCommunicator::SelectLarge(Collective collective, const Operation& op, size_t parts,
                                        bool buffers_shared) const {
  SelectionFacts facts;
  facts.bytes = parts * op.bytes();
  facts.staged_bytes = std::numeric_limits<uint64_t>::max();  // IsSmall has been asked
  facts.buffers_shared = buffers_shared;
  facts.can_read_across = can_read_across_;
  return Select(ThresholdsFor(collective), facts);
}

void HostCommunicator::Abort(const std::string& reason) {
  static_cast<void>(engine_.Fail(AbortedError(StrCat("rank ", rank(), " aborted: ", reason))));
}

}  // namespace flexmig::coll
