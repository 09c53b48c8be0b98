#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/coll/mover.h"

namespace flexmig::coll {

// Memory that the processor cannot read at its addresses, which is checked by the processor itself:
// they are reserved and no more. Allocations stay until the end. Threading: one owner; what a mover
// copies, it may read once the mover has said that it is done.
class FakeDeviceMemory {
 public:
  explicit FakeDeviceMemory(size_t bytes = size_t{4} << 20) : bytes_(bytes) {
    void* address =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    FLEXMIG_CHECK(address != MAP_FAILED);
    begin_ = static_cast<std::byte*>(address);
  }
  ~FakeDeviceMemory() { ::munmap(begin_, bytes_.size()); }
  FakeDeviceMemory(const FakeDeviceMemory&) = delete;
  FakeDeviceMemory& operator=(const FakeDeviceMemory&) = delete;

  [[nodiscard]] std::byte* base() const { return begin_; }
  // Where the bytes at a device address are.
  [[nodiscard]] std::byte* At(const std::byte* device) {
    FLEXMIG_CHECK(device >= begin_ && device < begin_ + bytes_.size());
    return bytes_.data() + (device - begin_);
  }

 private:
  std::byte* begin_ = nullptr;
  std::vector<std::byte> bytes_;
};

// A Mover whose copies are made later, by a thread for each direction, after random times.
class FakeMover final : public Mover {
 public:
  struct Faults {
    int longest_delay_us = 50;   // of a copy
    uint64_t refuses_start = 0;  // the number of the copy that is refused, from 1; 0: none
    uint64_t refuses_query = 0;  // likewise of IsDone
    uint64_t hangs_at = 0;       // the number of the copy of each direction that never ends
  };
  struct Counts {
    size_t in = 0;
    size_t out = 0;
    size_t within = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };

  FakeMover(FakeDeviceMemory& memory, uint64_t seed, const Faults& faults)
      : FakeMover(&memory, seed, faults) {}
  // Of buffers in ordinary memory.
  FakeMover(uint64_t seed, const Faults& faults) : FakeMover(nullptr, seed, faults) {}
  // What has not been copied never is.
  ~FakeMover() override {
    for (Lane& lane : lanes_) {
      {
        const std::lock_guard lock(lane.mutex);
        lane.stops = true;
      }
      lane.changed.notify_all();
      lane.thread.join();
    }
  }

  FakeMover(const FakeMover&) = delete;
  FakeMover& operator=(const FakeMover&) = delete;

  Status StartIn(std::byte* staging, const std::byte* buffer, size_t bytes) override {
    counts_.in += bytes;
    return Start(Direction::kIn, staging, At(buffer), bytes);
  }
  Status StartOut(std::byte* buffer, const std::byte* staging, size_t bytes) override {
    counts_.out += bytes;
    return Start(Direction::kOut, At(buffer), staging, bytes);
  }
  Status StartWithin(std::byte* to, const std::byte* from, size_t bytes) override {
    if (to == from) return OkStatus();
    counts_.within += bytes;
    return Start(Direction::kOut, At(to), At(from), bytes);
  }
  Result<Mark> MarkSoFar(Direction direction) override {
    return Mark{direction, LaneOf(direction).started};
  }
  Result<bool> IsDone(const Mark& mark) override {
    if (++queries_ == faults_.refuses_query) return InternalError("the device has no answer");
    // Pairs with the release in Work.
    return LaneOf(mark.direction).done.load(std::memory_order_acquire) >= mark.number;
  }

  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] bool is_idle() const {
    return std::all_of(lanes_.begin(), lanes_.end(),
                       [](const Lane& lane) { return lane.done.load() == lane.started; });
  }

 private:
  FakeMover(FakeDeviceMemory* memory, uint64_t seed, const Faults& faults)
      : memory_(memory), faults_(faults) {
    for (size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i].random = SplitMix64(seed * 2 + i);
      lanes_[i].thread = std::thread([this, i] { Work(lanes_[i]); });
    }
  }

  struct Copy {
    std::byte* to;
    const std::byte* from;
    size_t bytes;
  };
  struct Lane {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Copy> copies;
    bool stops = false;
    std::atomic<uint64_t> done = 0;
    uint64_t started = 0;  // the caller's
    SplitMix64 random{0};  // the thread's
    std::thread thread;
  };

  std::byte* At(const std::byte* buffer) {
    return memory_ != nullptr ? memory_->At(buffer) : const_cast<std::byte*>(buffer);
  }
  Lane& LaneOf(Direction direction) { return lanes_[static_cast<size_t>(direction)]; }

  Status Start(Direction direction, std::byte* to, const std::byte* from, size_t bytes) {
    FLEXMIG_CHECK(bytes > 0);
    if (++starts_ == faults_.refuses_start) return ResourceExhaustedError("the device is full");
    Lane& lane = LaneOf(direction);
    {
      const std::lock_guard lock(lane.mutex);
      lane.copies.push_back({to, from, bytes});
    }
    ++lane.started;
    lane.changed.notify_one();
    return OkStatus();
  }

  void Work(Lane& lane) {
    for (;;) {
      Copy copy{};
      {
        std::unique_lock lock(lane.mutex);
        const bool hangs = lane.done.load() + 1 == faults_.hangs_at;
        lane.changed.wait(lock, [&] { return lane.stops || (!hangs && !lane.copies.empty()); });
        if (lane.stops) return;
        copy = lane.copies.front();
        lane.copies.pop_front();
      }
      const auto longest = static_cast<uint64_t>(faults_.longest_delay_us);
      // Often at once, so that both orders of everything happen.
      const uint64_t delay = lane.random.NextBelow(2 * longest + 1);
      if (delay > longest) std::this_thread::sleep_for(std::chrono::microseconds(delay - longest));
      // In two pieces: a part of a copy may be seen by who looks too early.
      const size_t half = copy.bytes / 2;
      std::memcpy(copy.to, copy.from, half);
      if (delay % 4 == 3) std::this_thread::yield();
      std::memcpy(copy.to + half, copy.from + half, copy.bytes - half);
      lane.done.fetch_add(1, std::memory_order_release);
    }
  }

  FakeDeviceMemory* const memory_;
  const Faults faults_;
  Counts counts_;
  uint64_t starts_ = 0;
  uint64_t queries_ = 0;
  std::array<Lane, 2> lanes_;
};

}  // namespace flexmig::coll
