#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::cuda_sim {

// The memory of one device: a range of addresses that no processor may touch, and the bytes behind
// them in another mapping, which only the simulation knows.
// Threading: thread-safe.
class DeviceMemory {
 public:
  // Errors: kResourceExhausted if the addresses cannot be reserved.
  static Result<std::unique_ptr<DeviceMemory>> Create(size_t capacity);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] size_t used() const;

  // An address, a multiple of 512 as CUDA's are; 0 if no free range is large enough.
  // REQUIRES: bytes > 0.
  uint64_t Allocate(size_t bytes);
  // False if nothing was allocated exactly there. The bytes go back to the system.
  bool Free(uint64_t address);

  struct Range {
    uint64_t base = 0;
    size_t bytes = 0;  // as asked for
  };
  // The allocation that holds the address.
  [[nodiscard]] std::optional<Range> Find(uint64_t address) const;
  // Where the bytes really are. REQUIRES: the address is in the device's range.
  [[nodiscard]] std::byte* Bytes(uint64_t address) const { return bytes_ + (address - base_); }
  [[nodiscard]] bool Contains(uint64_t address) const {
    return address >= base_ && address - base_ < reserved_;
  }

 private:
  DeviceMemory(size_t capacity, size_t reserved, uint64_t base, std::byte* bytes)
      : capacity_(capacity), reserved_(reserved), base_(base), bytes_(bytes) {
    free_[base] = reserved;
  }

  const size_t capacity_;
  const size_t reserved_;  // capacity in whole pages
  const uint64_t base_;
  std::byte* const bytes_;

  mutable std::mutex mutex_;                // guards the rest
  size_t used_ = 0;                         // rounded up to 512 each
  std::map<uint64_t, size_t> free_;         // address -> bytes, no two adjacent
  std::map<uint64_t, size_t> allocations_;  // address -> bytes as asked for
};

// Host memory that the devices may use.
// Threading: thread-safe.
class HostMemory {
 public:
  struct Range {
    std::byte* base = nullptr;
    size_t bytes = 0;
    uint32_t flags = 0;
    bool owned = false;  // cuMemHostAlloc made it
  };
  // False if a part of it is registered already.
  bool Register(const Range& range);
  // The range that began there, which is none from now on.
  std::optional<Range> Unregister(const void* base, bool owned);
  [[nodiscard]] std::optional<Range> Find(const void* address) const;

 private:
  mutable std::mutex mutex_;
  std::map<uintptr_t, Range> ranges_;
};

}  // namespace flexmig::cuda_sim
