#include "flexmig/runtime/machine.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::runtime {

namespace fs = std::filesystem;

Result<fs::path> FindOwnLibrary(const fs::path& program, std::string_view place) {
  std::error_code error;
  fs::path real = fs::canonical(program, error);
  if (error) real = program;
  const fs::path prefix = real.parent_path().parent_path();
  // An absolute FLEXMIG_LIBDIR replaces the prefix, as CMake installs it.
  const fs::path candidates[] = {prefix / FLEXMIG_LIBDIR / "flexmig" / place,
                                 prefix / "lib/flexmig" / place};
  for (const auto& candidate : candidates) {
    if (fs::exists(candidate, error)) return candidate;
  }
  return NotFoundError(StrCat(
      "no ", candidates[0].native(),
      candidates[1] == candidates[0] ? std::string() : StrCat(", no ", candidates[1].native())));
}

Result<fs::path> FindDropIn(const fs::path& program, const launch::VariableLookup& environment) {
  if (const auto named = environment("FLEXMIG_NCCL_DROPIN")) {
    std::error_code error;
    const fs::path path = fs::absolute(*named, error);
    if (fs::is_regular_file(path, error)) return path;
    return NotFoundError(StrCat("FLEXMIG_NCCL_DROPIN: no file ", *named,
                                "; unset it to use the library installed with flexmig"));
  }
  auto found = FindOwnLibrary(program, "nccl/libnccl.so.2");
  if (found.ok()) return found;
  return NotFoundError(StrCat("Flex-MIG's libnccl.so.2 is not installed beside flexmig (",
                              found.status().message(),
                              "); build the target flexmig_nccl, or name it in "
                              "FLEXMIG_NCCL_DROPIN"));
}

Result<fs::path> ThisProgram() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoError(error.value(), "/proc/self/exe");
  return program;
}

bool HasNetwork() {
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return true;
  bool found = false;
  for (const ifaddrs* at = interfaces; at != nullptr; at = at->ifa_next) {
    const bool has_address = at->ifa_addr != nullptr && (at->ifa_addr->sa_family == AF_INET ||
                                                         at->ifa_addr->sa_family == AF_INET6);
    found = found ||
            (has_address && (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_LOOPBACK) == 0);
  }
  ::freeifaddrs(interfaces);
  return found;
}

std::optional<int> DriverBranchIn(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const size_t module = line.find("Kernel Module");
  if (!line.starts_with("NVRM version:") || module == std::string_view::npos) return std::nullopt;
  for (const auto word : StrSplit(line.substr(module), ' ')) {
    const auto branch = ParseInt(word.substr(0, word.find('.')), 1, 99999);
    if (word.find('.') != std::string_view::npos && branch.ok()) return static_cast<int>(*branch);
  }
  return std::nullopt;
}

std::optional<int> DriverBranch() {
  const auto text = ReadFile("/proc/driver/nvidia/version");
  if (!text.ok()) return std::nullopt;
  return DriverBranchIn(*text);
}

}  // namespace flexmig::runtime
