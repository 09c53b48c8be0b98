#include "memory.h"

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

namespace flexmig::cuda_sim {
namespace {

constexpr size_t kAlignment = 512;
constexpr size_t kPage = 4096;

constexpr size_t RoundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Result<std::unique_ptr<DeviceMemory>> DeviceMemory::Create(size_t capacity) {
  const size_t reserved = RoundUp(std::max<size_t>(capacity, 1), kPage);
  const auto map = [&](int protection) {
    return ::mmap(nullptr, reserved, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                  0);
  };
  void* const addresses = map(PROT_NONE);
  if (addresses == MAP_FAILED) return ErrnoError(errno, "addresses of device memory");
  void* const bytes = map(PROT_READ | PROT_WRITE);
  if (bytes == MAP_FAILED) {
    const Status status = ErrnoError(errno, "device memory");
    ::munmap(addresses, reserved);
    return status;
  }
  return std::unique_ptr<DeviceMemory>(new DeviceMemory(
      capacity, reserved, reinterpret_cast<uintptr_t>(addresses), static_cast<std::byte*>(bytes)));
}

DeviceMemory::~DeviceMemory() {
  ::munmap(reinterpret_cast<void*>(base_), reserved_);
  ::munmap(bytes_, reserved_);
}

size_t DeviceMemory::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

uint64_t DeviceMemory::Allocate(size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > capacity_) return 0;
  const size_t size = RoundUp(bytes, kAlignment);
  if (size > capacity_ - used_) return 0;
  const auto room = std::ranges::find_if(free_, [&](const auto& f) { return f.second >= size; });
  if (room == free_.end()) return 0;
  const auto [address, available] = *room;
  free_.erase(room);
  if (available > size) free_[address + size] = available - size;
  allocations_[address] = bytes;
  used_ += size;
  return address;
}

bool DeviceMemory::Free(uint64_t address) {
  const std::lock_guard lock(mutex_);
  const auto allocation = allocations_.find(address);
  if (allocation == allocations_.end()) return false;
  const size_t size = RoundUp(allocation->second, kAlignment);
  allocations_.erase(allocation);
  used_ -= size;
  auto [freed, inserted] = free_.emplace(address, size);
  if (const auto next = std::next(freed);
      next != free_.end() && freed->first + freed->second == next->first) {
    freed->second += next->second;
    free_.erase(next);
  }
  if (freed != free_.begin()) {
    const auto before = std::prev(freed);
    if (before->first + before->second == freed->first) {
      before->second += freed->second;
      free_.erase(freed);
      freed = before;
    }
  }
  // Whole pages that nobody uses any more, the neighbours' rests among them.
  const uint64_t first =
      RoundUp(std::max<uint64_t>(freed->first, address - (address % kPage)), kPage);
  const uint64_t end =
      std::min<uint64_t>(freed->first + freed->second, RoundUp(address + size, kPage)) / kPage *
      kPage;
  if (end > first) ::madvise(Bytes(first), end - first, MADV_DONTNEED);
  return true;
}

std::optional<DeviceMemory::Range> DeviceMemory::Find(uint64_t address) const {
  const std::lock_guard lock(mutex_);
  auto allocation = allocations_.upper_bound(address);
  if (allocation == allocations_.begin()) return std::nullopt;
  --allocation;
  if (address - allocation->first >= allocation->second) return std::nullopt;
  return Range{allocation->first, allocation->second};
}

bool HostMemory::Register(const Range& range) {
  const std::lock_guard lock(mutex_);
  const auto begin = reinterpret_cast<uintptr_t>(range.base);
  const auto next = ranges_.lower_bound(begin);
  if (next != ranges_.end() && next->first - begin < range.bytes) return false;
  if (next != ranges_.begin()) {
    const auto& [base, before] = *std::prev(next);
    if (begin - base < before.bytes) return false;
  }
  ranges_[begin] = range;
  return true;
}

std::optional<HostMemory::Range> HostMemory::Unregister(const void* base, bool owned) {
  const std::lock_guard lock(mutex_);
  const auto found = ranges_.find(reinterpret_cast<uintptr_t>(base));
  if (found == ranges_.end() || found->second.owned != owned) return std::nullopt;
  const Range range = found->second;
  ranges_.erase(found);
  return range;
}

std::optional<HostMemory::Range> HostMemory::Find(const void* address) const {
  const std::lock_guard lock(mutex_);
  auto found = ranges_.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (found == ranges_.begin()) return std::nullopt;
  --found;
  if (reinterpret_cast<uintptr_t>(address) - found->first >= found->second.bytes) {
    return std::nullopt;
  }
  return found->second;
}

}  // namespace flexmig::cuda_sim
