#pragma once

#include <cstddef>
#include <cstdint>

#include "process.h"

namespace flexmig::cuda_sim {

// Memory that a client has named, and where its bytes really are.
struct Place {
  std::byte* bytes = nullptr;
  Device* device = nullptr;  // nullptr: host memory
  bool is_pinned = false;    // host memory that the devices may use
};

// Finds [address, address + bytes). kInvalidValue unless it lies within one allocation of a device,
// or in host memory that is there.
ResultCode Locate(uint64_t address, size_t bytes, Place* place);

// The same for what work on a device uses: pinned host memory or device memory only.
// kIllegalAddress for the rest, as a GPU says it.
ResultCode LocateForDevice(uint64_t address, size_t bytes, Place* place);

// Moves bytes as a copy engine does: over the links that lie between, which count them.
void Move(const Place& to, const Place& from, size_t bytes);

}  // namespace flexmig::cuda_sim
