#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::device {

// Host memory that the GPU reads and writes at full speed, pinned while this object lives.
//
// Threading: one owner; the memory itself is anybody's.
class PinnedRegion {
 public:
  // Nothing.
  PinnedRegion() = default;
  // Pins `memory`, which begins on a page and stays the caller's. `what` is for the message.
  // Errors: kResourceExhausted naming the need and the limit on locked memory; the driver's.
  static Result<PinnedRegion> Pin(const cuda::Driver& driver, std::span<std::byte> memory,
                                  const char* what);
  // Zeroed memory of its own. Errors: as Pin's.
  static Result<PinnedRegion> Allocate(const cuda::Driver& driver, size_t bytes, const char* what);

  // Unpins; memory of its own is given back, unless the driver refuses to let go of it.
  ~PinnedRegion() { Reset(); }
  PinnedRegion(PinnedRegion&& other) noexcept { *this = std::move(other); }
  PinnedRegion& operator=(PinnedRegion&& other) noexcept;
  PinnedRegion(const PinnedRegion&) = delete;
  PinnedRegion& operator=(const PinnedRegion&) = delete;

  [[nodiscard]] std::span<std::byte> memory() const { return memory_; }
  // Where the device finds a byte of it. REQUIRES: `host` points into memory().
  [[nodiscard]] uint64_t DeviceAddressOf(const void* host) const {
    return device_base_ +
           static_cast<uint64_t>(static_cast<const std::byte*>(host) - memory_.data());
  }

  // Leaves the memory pinned and mapped until the process ends: the device may still use it.
  void Leak() {
    driver_ = nullptr;
    memory_ = {};
  }

 private:
  void Reset();

  const cuda::Driver* driver_ = nullptr;
  std::span<std::byte> memory_;
  uint64_t device_base_ = 0;
  bool owns_ = false;
};

}  // namespace flexmig::device
