#include "pinned_region.h"

#include <cerrno>
#include <string>
#include <utility>

#include <sys/mman.h>
#include <sys/resource.h>

#include "flexmig/base/strings.h"

namespace flexmig::device {
namespace {

std::string LockedMemoryLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "unknown";
  if (limit.rlim_cur == RLIM_INFINITY) return "unlimited";
  return StrCat(limit.rlim_cur, " bytes");
}

}  // namespace

Result<PinnedRegion> PinnedRegion::Pin(const cuda::Driver& driver, std::span<std::byte> memory,
                                       const char* what) {
  if (memory.empty()) return PinnedRegion();
  if (const Status pinned = driver.RegisterHost(memory); !pinned.ok()) {
    return Status(pinned.code(), StrCat("cannot pin ", memory.size(), " bytes of ", what,
                                        " (limit on locked memory: ", LockedMemoryLimit(),
                                        "): ", pinned.message()));
  }
  PinnedRegion region;
  region.driver_ = &driver;
  region.memory_ = memory;
  FLEXMIG_ASSIGN_OR_RETURN(region.device_base_, driver.DeviceAddressOf(memory.data()));
  return region;
}

Result<PinnedRegion> PinnedRegion::Allocate(const cuda::Driver& driver, size_t bytes,
                                            const char* what) {
  void* const pages =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return ErrnoError(errno, StrCat("mapping ", bytes, " bytes of ", what));
  auto region = Pin(driver, {static_cast<std::byte*>(pages), bytes}, what);
  if (!region.ok()) {
    ::munmap(pages, bytes);
    return region.status();
  }
  region->owns_ = true;
  return region;
}

PinnedRegion& PinnedRegion::operator=(PinnedRegion&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  driver_ = std::exchange(other.driver_, nullptr);
  memory_ = std::exchange(other.memory_, {});
  device_base_ = other.device_base_;
  owns_ = other.owns_;
  return *this;
}

void PinnedRegion::Reset() {
  if (driver_ == nullptr) return;
  const Status unpinned = driver_->UnregisterHost(memory_.data());
  // A driver that has shut down uses nothing any more.
  const bool is_free = unpinned.ok() || unpinned.code() == StatusCode::kUnavailable;
  if (owns_ && is_free) ::munmap(memory_.data(), memory_.size());
  driver_ = nullptr;
  memory_ = {};
}

}  // namespace flexmig::device
