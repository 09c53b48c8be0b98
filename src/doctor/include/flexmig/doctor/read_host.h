#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/doctor/system_view.h"

namespace flexmig::doctor {

// Where the kernel's and the driver's files are; other folders for simulated boards and tests.
struct HostPaths {
  std::filesystem::path driver_root = "/";  // of proc/driver/... and dev/nvidia-caps
  std::filesystem::path sys = "/sys";
  std::filesystem::path shared_memory = "/dev/shm";
  std::filesystem::path state;                // may not exist yet; empty: unknown
  std::optional<std::filesystem::path> nccl;  // instead of looking for it
};

// This machine for this user. Loads nothing and changes nothing but that the state folder is made.
HostView ReadHost(const HostPaths& paths);

// The PCIe link of a device such as "0000:07:00.0"; nullopt if `sys` does not tell it.
std::optional<PciLink> ReadPciLink(const std::filesystem::path& sys, std::string_view bus_id);

// The N of /dev/nvidiaN; nullopt if the driver does not tell it.
std::optional<int> ReadDeviceMinor(const std::filesystem::path& driver_root,
                                   std::string_view bus_id);

// The driver's list mig-minors: lines "gpu0/gi7/access 66".
// Errors: kDataLoss "<file>:<line>: ..." for any other line.
Result<std::map<std::string, int>> ParseMigMinors(std::string_view text, std::string_view file);

}  // namespace flexmig::doctor
