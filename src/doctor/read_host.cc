#include "flexmig/doctor/read_host.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::doctor {
namespace {

namespace fs = std::filesystem;

// The kernel's own limit for a minor number.
constexpr int64_t kMaxMinor = (1 << 20) - 1;

Result<SharedMemory> ReadSharedMemory(const fs::path& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) {
    const int error = errno;
    return ErrnoError(error, path.native());
  }
  const auto bytes = [&](uint64_t blocks) {
    return Bytes::Of(static_cast<int64_t>(blocks * status.f_frsize));
  };
  return SharedMemory{bytes(status.f_blocks), bytes(status.f_bavail)};
}

std::optional<Bytes> LockedMemory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return Bytes::Of(static_cast<int64_t>(limit.rlim_cur));
}

// "nvidia-cap66" under dev/nvidia-caps: 66, and whether it can be read.
std::map<int, bool> CapabilityNodes(const fs::path& folder) {
  constexpr std::string_view kPrefix = "nvidia-cap";
  std::map<int, bool> nodes;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (!name.starts_with(kPrefix)) continue;
    const auto minor = ParseInt(std::string_view(name).substr(kPrefix.size()), 0, kMaxMinor);
    if (!minor.ok()) continue;
    nodes[static_cast<int>(*minor)] =
        ::faccessat(AT_FDCWD, at->path().c_str(), R_OK, AT_EACCESS) == 0;
  }
  return nodes;
}

// The folders node0, node1, ... of the kernel.
int NumaNodes(const fs::path& sys) {
  int count = 0;
  std::error_code error;
  for (fs::directory_iterator at(sys / "devices/system/node", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (name.starts_with("node") && ParseInt(std::string_view(name).substr(4), 0, 4096).ok()) {
      ++count;
    }
  }
  return count;
}

Result<fs::path> UsableState(const fs::path& path) {
  if (path.empty()) {
    return FailedPreconditionError("none of FLEXMIG_STATE_DIR, XDG_RUNTIME_DIR and HOME is set");
  }
  FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(path));
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    const int error = errno;
    return ErrnoError(error, path.native());
  }
  return path;
}

std::string ReadLine(const fs::path& path) {
  const auto text = ReadFile(path);
  return text.ok() ? std::string(StripWhitespace(*text)) : std::string();
}

}  // namespace

Result<std::map<std::string, int>> ParseMigMinors(std::string_view text, std::string_view file) {
  std::map<std::string, int> minors;
  const auto lines = StrSplit(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() && i + 1 == lines.size()) break;
    const auto words = StrSplit(lines[i], ' ');
    const auto minor = words.size() == 2 && !words[0].empty()
                           ? ParseInt(words[1], 0, kMaxMinor)
                           : Result<int64_t>(InvalidArgumentError(""));
    if (!minor.ok()) {
      return DataLossError(StrCat(file, ":", i + 1, ": not '<capability> <minor number>'"));
    }
    if (!minors.emplace(words[0], static_cast<int>(*minor)).second) {
      return DataLossError(StrCat(file, ":", i + 1, ": '", words[0], "' is repeated"));
    }
  }
  return minors;
}

std::optional<PciLink> ReadPciLink(const fs::path& sys, std::string_view bus_id) {
  const fs::path device = sys / "bus/pci/devices" / bus_id;
  PciLink link;
  link.speed = ReadLine(device / "current_link_speed");
  link.max_speed = ReadLine(device / "max_link_speed");
  const auto lanes = ParseInt(ReadLine(device / "current_link_width"), 0, 64);
  const auto max_lanes = ParseInt(ReadLine(device / "max_link_width"), 0, 64);
  if (link.speed.empty() || !lanes.ok() || !max_lanes.ok()) return std::nullopt;
  link.lanes = static_cast<int>(*lanes);
  link.max_lanes = static_cast<int>(*max_lanes);
  return link;
}

std::optional<int> ReadDeviceMinor(const fs::path& driver_root, std::string_view bus_id) {
  const auto text = ReadFile(driver_root / "proc/driver/nvidia/gpus" / bus_id / "information");
  if (!text.ok()) return std::nullopt;
  constexpr std::string_view kName = "Device Minor:";
  for (const std::string_view line : StrSplit(*text, '\n')) {
    if (!line.starts_with(kName)) continue;
    const auto minor = ParseInt(StripWhitespace(line.substr(kName.size())), 0, kMaxMinor);
    if (minor.ok()) return static_cast<int>(*minor);
  }
  return std::nullopt;
}

HostView ReadHost(const HostPaths& paths) {
  HostView host;
  host.user = ::geteuid();
  const fs::path minors_file = paths.driver_root / "proc/driver/nvidia-caps/mig-minors";
  const auto text = ReadFile(minors_file);
  if (text.ok()) {
    const auto minors = ParseMigMinors(*text, minors_file.native());
    if (minors.ok()) host.capabilities = *minors;
  }
  host.capability_nodes = CapabilityNodes(paths.driver_root / "dev/nvidia-caps");
  host.shared_memory = ReadSharedMemory(paths.shared_memory);
  host.locked_memory = LockedMemory();
  host.numa_nodes = NumaNodes(paths.sys);
  host.state = UsableState(paths.state);
  host.nccl = paths.nccl ? runtime::ReadNcclLibrary(*paths.nccl)
                         : runtime::FindNcclLibrary(runtime::LoaderView::OfThisProcess());
  return host;
}

}  // namespace flexmig::doctor
