#include "shared_regions.h"

#include <algorithm>
#include <utility>

namespace flexmig::coll {
namespace {

// What a buffer of no bytes is in.
constexpr uint64_t kNowhere = ~uint64_t{0};

}  // namespace

void SharedRegions::Add(shm::SharedMemory memory, std::span<const std::byte> own_part) {
  regions_.push_back({++last_number_, std::move(memory), own_part});
}

uint64_t SharedRegions::Find(std::span<const std::byte> own_part) const {
  for (const Region& region : regions_) {
    if (region.own_part.data() == own_part.data() && region.own_part.size() == own_part.size()) {
      return region.number;
    }
  }
  return 0;
}

void SharedRegions::Remove(uint64_t number) {
  std::erase_if(regions_, [&](const Region& region) { return region.number == number; });
}

BufferAddress SharedRegions::Locate(const void* buffer, size_t bytes) const {
  if (bytes == 0) return {kNowhere, 0};
  const auto address = reinterpret_cast<uintptr_t>(buffer);
  for (const Region& region : regions_) {
    const auto begin = reinterpret_cast<uintptr_t>(region.memory.data());
    const auto size = static_cast<uint64_t>(region.memory.size().count());
    if (address < begin || address - begin >= size) continue;
    if (bytes <= size - (address - begin)) return {region.number, address - begin};
  }
  return {0, address};
}

std::byte* SharedRegions::Resolve(const BufferAddress& address) const {
  if (!address.is_shared()) return reinterpret_cast<std::byte*>(address.value);
  for (const Region& region : regions_) {
    if (region.number != address.region) continue;
    if (address.value >= static_cast<uint64_t>(region.memory.size().count())) return nullptr;
    return region.memory.data() + address.value;
  }
  return nullptr;
}

}  // namespace flexmig::coll
