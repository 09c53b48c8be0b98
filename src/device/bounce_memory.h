#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

#include "pinned_region.h"

namespace flexmig::device {

// Pinned memory that one small operation passes through, and the word which its stream writes when
// it needs no more of it.
struct Bounce {
  std::byte* memory = nullptr;
  uint64_t address = 0;  // of the memory, for the device
  uint64_t* released = nullptr;
  uint64_t released_address = 0;  // for the device
  uint64_t released_value = 0;

  [[nodiscard]] bool IsReleased() const {
    return std::atomic_ref(*released).load(std::memory_order_acquire) == released_value;
  }
  // What a worker does to a captured operation's, which every launch uses again.
  void TakeAgain() const { std::atomic_ref(*released).store(0, std::memory_order_relaxed); }
};

// A ring of bounce memory for eager operations, given out and taken back in order.
//
// Threading: one thread at a time.
class BounceRing {
 public:
  // Without memory.
  BounceRing() = default;
  // Errors: as PinnedRegion::Allocate's.
  static Result<BounceRing> Create(const cuda::Driver& driver, size_t bytes);

  // Aligned to 128 bytes. nullopt if there is no room now; never waits.
  std::optional<Bounce> Take(size_t bytes);
  // Whether the streams have released all.
  [[nodiscard]] bool AllReleased();
  void Leak() { region_.Leak(); }

 private:
  static constexpr size_t kMaxPieces = 512;

  struct Piece {
    Bounce bounce;
    size_t end = 0;  // in the data, from where it begins
  };

  void TakeBack();

  PinnedRegion region_;  // kMaxPieces words, then the data
  std::span<std::byte> data_;
  std::deque<Piece> pieces_;  // not taken back, oldest first
  uint64_t given_ = 0;        // pieces so far
  size_t begin_ = 0;          // of the oldest piece
  size_t end_ = 0;            // of the newest
};

// Bounce memory for captured operations: a slot for each stream of each capture, since operations
// of one stream follow each other at every launch. Slots are pinned ahead, and stay taken: nobody
// tells when a graph is gone.
//
// Threading: one thread at a time, but for Replenish, which may run beside all others.
class CapturedBounces {
 public:
  CapturedBounces(const cuda::Driver& driver, size_t slot_bytes)
      : driver_(driver), slot_bytes_(slot_bytes) {}

  // nullopt if no slot is free; never waits.
  std::optional<Bounce> Of(uint64_t capture, cuda::Stream stream);
  [[nodiscard]] bool AreLow() const { return !is_full_.load() && free_slots_.load() < kSlots / 2; }
  // Pins more, up to 64 MiB in all, if it can: there is another way without. Not in a thread that
  // captures.
  void Replenish();
  // Whether the streams have released all that they have taken.
  [[nodiscard]] bool AllReleased() const;
  void Leak();

 private:
  static constexpr size_t kSlots = 8;  // of a region
  static constexpr size_t kMaxBytes = size_t{64} << 20;

  struct Taken {
    uint64_t capture;
    cuda::Stream stream;
    Bounce bounce;
  };

  const cuda::Driver& driver_;
  const size_t slot_bytes_;
  std::atomic<size_t> free_slots_ = 0;
  std::atomic<bool> is_full_ = false;  // at the limit, or nothing more can be pinned
  std::vector<Taken> taken_;
  size_t next_slot_ = 0;

  std::mutex mutex_;  // guards regions_
  std::vector<PinnedRegion> regions_;
};

}  // namespace flexmig::device
