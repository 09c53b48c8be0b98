#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/shm/segment_layout.h"
#include "flexmig/shm/shared_memory.h"

namespace flexmig::shm {

// How a segment is cut: for each rank a RankBlock, then for each rank its slots, then for each
// sender and receiver a Channel, then for each of those the slots of its pieces.
struct SegmentGeometry {
  int world_size = 1;           // 1 .. kMaxWorldSize
  uint32_t slots_per_rank = 4;  // at least 1
  uint64_t slot_bytes = 0;      // a multiple of kLineBytes, at least one line
  uint32_t message_bytes = 0;   // of a piece: likewise

  [[nodiscard]] bool IsValid() const;
  // REQUIRES: IsValid().
  [[nodiscard]] Bytes TotalBytes() const;
};

// The memory that the ranks of one communicator share, and how its end is told to all of them.
//
// Invariants: the geometry is constant; a failure, a death and a departure, once recorded, stay.
// Threading: thread-safe as far as the layout has one writer per field (segment_layout.h).
class Segment {
 public:
  // Memory that holds a new segment. `settings` are for whoever attaches.
  // Errors: kResourceExhausted, as SharedMemory::Create. REQUIRES: geometry.IsValid(),
  // settings.size() <= sizeof(SegmentHeader::settings).
  static Result<SharedMemory> Format(const SegmentGeometry& geometry,
                                     std::span<const std::byte> settings = {});
  // Errors: kDataLoss if the memory is no ready segment of this layout version and its own size.
  static Result<std::unique_ptr<Segment>> Attach(SharedMemory memory);

  [[nodiscard]] const SegmentGeometry& geometry() const { return geometry_; }
  [[nodiscard]] SharedMemory& memory() { return memory_; }

  [[nodiscard]] RankBlock& rank_block(int rank) const { return rank_blocks_[rank]; }
  // 32 random hexadecimal digits, made by Create.
  [[nodiscard]] std::string_view nonce() const { return header_->nonce; }
  [[nodiscard]] std::span<const std::byte> settings() const { return header_->settings; }
  [[nodiscard]] Channel& channel(int from, int to) const {
    return channels_[ChannelNumber(from, to)];
  }
  [[nodiscard]] std::byte* message_slot(int from, int to, uint64_t piece) const {
    const uint64_t number = ChannelNumber(from, to) * kMessageSlots + piece % kMessageSlots;
    return message_slots_ + number * geometry_.message_bytes;
  }
  // REQUIRES: 0 <= rank < world_size, index < slots_per_rank.
  [[nodiscard]] std::byte* slot(int rank, uint32_t index) const {
    const uint64_t number = static_cast<uint64_t>(rank) * geometry_.slots_per_rank + index;
    return slots_ + number * geometry_.slot_bytes;
  }

  // Makes `failure` the end of this communicator unless another rank was first. Who sleeps sees it
  // at the end of its slice. A text longer than the record is cut. Called by one thread of `rank`
  // at a time, and not again once failed().
  void RecordFailure(int rank, const Status& failure);
  [[nodiscard]] bool failed() const {
    // Pairs with the release in RecordFailure.
    return header_->failed_by.load(std::memory_order_acquire) != 0;
  }
  // The failure that counts: the same on every rank. nullopt unless failed().
  [[nodiscard]] std::optional<Status> failure() const;

  // Sets rank's bit.
  void RecordDeath(int rank);
  void RecordDeparture(int rank);
  [[nodiscard]] uint64_t dead_ranks() const {
    return header_->dead_ranks.load(std::memory_order_acquire);
  }
  [[nodiscard]] uint64_t departed_ranks() const {
    return header_->departed_ranks.load(std::memory_order_acquire);
  }

 private:
  Segment(SharedMemory memory, const SegmentGeometry& geometry);
  [[nodiscard]] uint64_t ChannelNumber(int from, int to) const {
    return static_cast<uint64_t>(from) * static_cast<uint64_t>(geometry_.world_size) +
           static_cast<uint64_t>(to);
  }

  SharedMemory memory_;
  SegmentGeometry geometry_;
  SegmentHeader* header_;
  RankBlock* rank_blocks_;
  std::byte* slots_;
  Channel* channels_;
  std::byte* message_slots_;
};

}  // namespace flexmig::shm
