#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "flexmig/shm/shared_memory.h"

namespace flexmig::coll {

// Where a buffer lies, so that another rank can find it.
struct BufferAddress {
  uint64_t region = 0;  // of SharedRegions; 0 for memory of one process alone
  uint64_t value = 0;   // offset in the region, or address in that process

  [[nodiscard]] bool is_shared() const { return region != 0; }
};

// What AllocateShared has made: memory that all ranks map, each at another address, with a part
// for each rank. Regions are numbered from 1 in the order made, alike on all ranks.
//
// Invariants: parts are page-aligned and do not overlap. Threading: one owner.
class SharedRegions {
 public:
  // `own_part` is the part of `memory` that belongs to this rank.
  void Add(shm::SharedMemory memory, std::span<const std::byte> own_part);

  // The number of the region whose part of this rank is exactly `own_part`; 0 if none.
  [[nodiscard]] uint64_t Find(std::span<const std::byte> own_part) const;
  // Unmaps it. REQUIRES: `region` exists.
  void Remove(uint64_t region);

  // A buffer of no bytes counts as shared, for it is never looked at.
  [[nodiscard]] BufferAddress Locate(const void* buffer, size_t bytes) const;
  // Its address in this process; in the process that it came from if it is not shared; nullptr if
  // the region does not exist here or ends before.
  [[nodiscard]] std::byte* Resolve(const BufferAddress& address) const;

 private:
  struct Region {
    uint64_t number;
    shm::SharedMemory memory;
    std::span<const std::byte> own_part;
  };

  std::vector<Region> regions_;
  uint64_t last_number_ = 0;
};

}  // namespace flexmig::coll
