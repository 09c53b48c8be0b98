#pragma once

#include <filesystem>
#include <string>

#include "flexmig/base/units.h"

namespace flexmig::shm {

// What a process may still allocate before the kernel kills something for it.
struct AvailableMemory {
  Bytes bytes;
  std::string limited_by;  // the file that says so, e.g. "/proc/meminfo"
};

// The least of MemAvailable + SwapFree and, for this process's memory cgroup (v2 or v1) and each of
// its ancestors, limit minus usage that cannot be reclaimed. What cannot be read does not limit.
// A snapshot. `root` stands for "/" in tests.
//
// Needed because pages of a memfd are charged only when they are made: a size that can never fit is
// not refused by the kernel but answered with the out-of-memory killer, somewhere on the machine.
[[nodiscard]] AvailableMemory QueryAvailableMemory(const std::filesystem::path& root = "/");

}  // namespace flexmig::shm
