#include "flexmig/shm/available_memory.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::shm {
namespace {

namespace fs = std::filesystem;

// No machine has more; cgroup v1 writes about 2^63 for "no limit".
constexpr int64_t kNoLimit = int64_t{1} << 53;

// The number behind `key` on the line that starts with it: "MemFree:   24 kB", "shmem 4096".
std::optional<int64_t> NumberAfter(std::string_view text, std::string_view key) {
  for (const std::string_view line : StrSplit(text, '\n')) {
    if (!line.starts_with(key)) continue;
    const std::string_view rest = line.substr(key.size());
    if (rest.empty() || (rest.front() != ' ' && rest.front() != '\t')) continue;
    const auto value = ParseInt(StrSplit(StripWhitespace(rest), ' ').front(), 0, INT64_MAX);
    if (value.ok()) return *value;
  }
  return std::nullopt;
}

std::optional<int64_t> NumberIn(const fs::path& file) {
  const auto text = ReadFile(file);
  if (!text.ok()) return std::nullopt;
  const auto value = ParseInt(StripWhitespace(*text), 0, INT64_MAX);
  return value.ok() ? std::optional(*value) : std::nullopt;  // v2 writes "max" for no limit
}

struct CgroupFiles {
  const char* mount;
  const char* limit;
  const char* usage;
  const char* cache;  // keys of memory.stat
  const char* shared;
};
constexpr CgroupFiles kVersion2{"sys/fs/cgroup", "memory.max", "memory.current", "file", "shmem"};
constexpr CgroupFiles kVersion1{"sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                "memory.usage_in_bytes", "total_cache", "total_shmem"};

void LimitByCgroup(const fs::path& folder, const CgroupFiles& files, AvailableMemory& least) {
  const auto limit = NumberIn(folder / files.limit);
  const auto usage = NumberIn(folder / files.usage);
  if (!limit || !usage || *limit >= kNoLimit) return;
  const auto read = ReadFile(folder / "memory.stat");
  const std::string stat = read.ok() ? *read : "";
  // File cache is given back under pressure; shared memory, which is counted in it, is not.
  const int64_t reclaimable = std::max<int64_t>(
      0, NumberAfter(stat, files.cache).value_or(0) - NumberAfter(stat, files.shared).value_or(0));
  const Bytes left = Bytes::Of(std::max<int64_t>(0, *limit - (*usage - reclaimable)));
  if (left < least.bytes) least = {left, (folder / files.limit).string()};
}

}  // namespace

AvailableMemory QueryAvailableMemory(const fs::path& root) {
  AvailableMemory least{Bytes::Of(kNoLimit), "no limit known"};
  if (const auto meminfo = ReadFile(root / "proc/meminfo"); meminfo.ok()) {
    const auto available = NumberAfter(*meminfo, "MemAvailable:");
    const auto swap = NumberAfter(*meminfo, "SwapFree:");
    constexpr int64_t kMaxKib = kNoLimit >> 10;
    if (available) {
      const int64_t kib = std::min(
          kMaxKib, std::min(kMaxKib / 2, *available) + std::min(kMaxKib / 2, swap.value_or(0)));
      least = {Bytes::Of(kib << 10), (root / "proc/meminfo").string()};
    }
  }
  const auto cgroups = ReadFile(root / "proc/self/cgroup");
  if (!cgroups.ok()) return least;
  for (const std::string_view line : StrSplit(*cgroups, '\n')) {
    // "0::/path" in v2, "4:memory:/path" in v1.
    const auto fields = StrSplit(line, ':');
    if (fields.size() < 3) continue;
    const bool version_2 = fields[0] == "0" && fields[1].empty();
    if (!version_2 && fields[1] != "memory") continue;
    const CgroupFiles& files = version_2 ? kVersion2 : kVersion1;
    const fs::path mount = root / files.mount;
    // Inside a container the path may be the host's: then its folders are missing and only the
    // mount point itself, the container's own group, is read.
    fs::path group = mount / fs::path(fields[2]).relative_path();
    for (;;) {
      LimitByCgroup(group, files, least);
      if (group == mount || group == mount / "" || !group.has_relative_path()) break;
      group = group.parent_path();
    }
  }
  return least;
}

}  // namespace flexmig::shm
