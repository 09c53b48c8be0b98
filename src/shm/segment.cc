#include "flexmig/shm/segment.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::shm {
namespace {

constexpr uint64_t kMaxSlotBytes = uint64_t{1} << 30;
constexpr uint32_t kMaxSlotsPerRank = 1024;

// Where each part begins.
struct Parts {
  uint64_t rank_blocks = sizeof(SegmentHeader);
  uint64_t slots = 0;
  uint64_t channels = 0;
  uint64_t message_slots = 0;
  uint64_t end = 0;

  explicit Parts(const SegmentGeometry& geometry) {
    const auto ranks = static_cast<uint64_t>(geometry.world_size);
    slots = rank_blocks + ranks * sizeof(RankBlock);
    channels = slots + ranks * geometry.slots_per_rank * geometry.slot_bytes;
    message_slots = channels + ranks * ranks * sizeof(Channel);
    end = message_slots + ranks * ranks * kMessageSlots * geometry.message_bytes;
  }
};

template <typename T>
T* At(const SharedMemory& memory, uint64_t offset) {
  return static_cast<T*>(static_cast<void*>(memory.data() + offset));
}

}  // namespace

bool SegmentGeometry::IsValid() const {
  return world_size >= 1 && world_size <= kMaxWorldSize && slots_per_rank >= 1 &&
         slots_per_rank <= kMaxSlotsPerRank && slot_bytes >= kLineBytes &&
         slot_bytes <= kMaxSlotBytes && slot_bytes % kLineBytes == 0 &&
         message_bytes >= kLineBytes && message_bytes <= kMaxSlotBytes &&
         message_bytes % kLineBytes == 0;
}

Bytes SegmentGeometry::TotalBytes() const {
  return Bytes::Of(static_cast<int64_t>(Parts(*this).end));
}

Segment::Segment(SharedMemory memory, const SegmentGeometry& geometry)
    : memory_(std::move(memory)), geometry_(geometry) {
  const Parts parts(geometry);
  header_ = At<SegmentHeader>(memory_, 0);
  rank_blocks_ = At<RankBlock>(memory_, parts.rank_blocks);
  slots_ = memory_.data() + parts.slots;
  channels_ = At<Channel>(memory_, parts.channels);
  message_slots_ = memory_.data() + parts.message_slots;
  RegisterForFences();
}

Result<SharedMemory> Segment::Format(const SegmentGeometry& geometry,
                                     std::span<const std::byte> settings) {
  FLEXMIG_CHECK(geometry.IsValid() && settings.size() <= sizeof(SegmentHeader::settings));
  FLEXMIG_ASSIGN_OR_RETURN(SharedMemory memory, SharedMemory::Create(geometry.TotalBytes()));
  auto& header = *At<SegmentHeader>(memory, 0);
  header.magic = kSegmentMagic;
  header.layout_version = kLayoutVersion;
  header.world_size = static_cast<uint32_t>(geometry.world_size);
  header.total_bytes = static_cast<uint64_t>(geometry.TotalBytes().count());
  header.slot_bytes = geometry.slot_bytes;
  header.slots_per_rank = geometry.slots_per_rank;
  header.message_bytes = geometry.message_bytes;
  RandomHex(16).copy(header.nonce, sizeof header.nonce - 1);
  std::copy(settings.begin(), settings.end(), header.settings);
  header.ready.store(1, std::memory_order_release);  // pairs with the load in Attach
  return memory;
}

Result<std::unique_ptr<Segment>> Segment::Attach(SharedMemory memory) {
  const int64_t size = memory.size().count();
  if (size < static_cast<int64_t>(sizeof(SegmentHeader))) {
    return DataLossError(StrCat("segment of ", size, " bytes is shorter than its header"));
  }
  const auto* header = At<const SegmentHeader>(memory, 0);
  if (header->ready.load(std::memory_order_acquire) != 1 || header->magic != kSegmentMagic) {
    return DataLossError("the memory received is not a finished Flex-MIG segment");
  }
  if (header->layout_version != kLayoutVersion) {
    return DataLossError(StrCat("segment has layout version ", header->layout_version,
                                ", this library knows ", kLayoutVersion));
  }
  const SegmentGeometry geometry{
      static_cast<int>(std::min<uint32_t>(header->world_size, kMaxWorldSize + 1)),
      header->slots_per_rank, header->slot_bytes, header->message_bytes};
  if (!geometry.IsValid() || header->total_bytes != static_cast<uint64_t>(size) ||
      geometry.TotalBytes().count() != size || header->nonce[sizeof header->nonce - 1] != '\0') {
    return DataLossError(StrCat("segment header contradicts itself: ", header->world_size,
                                " ranks of ", header->slots_per_rank, " slots of ",
                                header->slot_bytes, " bytes and pieces of ", header->message_bytes,
                                " bytes in ", size, " bytes"));
  }
  return std::unique_ptr<Segment>(new Segment(std::move(memory), geometry));
}

void Segment::RecordFailure(int rank, const Status& failure) {
  FailureRecord& record = rank_block(rank).failure;
  const std::string& text = failure.message();
  record.status_code = static_cast<uint32_t>(failure.code());
  record.text_bytes = static_cast<uint32_t>(std::min(text.size(), sizeof record.text));
  std::memcpy(record.text, text.data(), record.text_bytes);
  // The record is whole before it counts: a rank killed in the middle leaves no half of one. If
  // another rank was first, nobody will read this one.
  uint32_t nobody = 0;
  header_->failed_by.compare_exchange_strong(nobody, static_cast<uint32_t>(rank) + 1,
                                             std::memory_order_acq_rel);
}

std::optional<Status> Segment::failure() const {
  const uint32_t failed_by = header_->failed_by.load(std::memory_order_acquire);
  if (failed_by == 0) return std::nullopt;
  if (failed_by > static_cast<uint32_t>(geometry_.world_size)) {
    return DataLossError(StrCat("segment names rank ", failed_by - 1, " as the one that failed"));
  }
  const FailureRecord& record = rank_block(static_cast<int>(failed_by) - 1).failure;
  const size_t length = std::min<size_t>(record.text_bytes, sizeof record.text);
  for (const StatusCode code : kAllStatusCodes) {
    if (code == StatusCode::kOk || static_cast<uint32_t>(code) != record.status_code) continue;
    return Status(code, std::string(record.text, length));
  }
  return DataLossError(StrCat("segment holds the unknown status code ", record.status_code));
}

void Segment::RecordDeath(int rank) {
  header_->dead_ranks.fetch_or(uint64_t{1} << rank, std::memory_order_acq_rel);
}

void Segment::RecordDeparture(int rank) {
  header_->departed_ranks.fetch_or(uint64_t{1} << rank, std::memory_order_acq_rel);
}

}  // namespace flexmig::shm
