#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"

#include "library.h"

namespace flexmig::nvml {

// A GPU-instance profile as the driver tells it.
struct DriverProfile {
  uint32_t index = 0;
  int id = 0;
  std::string name;  // "1g.5gb"; empty if the driver's struct has no name yet
  int compute_slices = 0;
  int instance_count = 0;
  int sms = 0;
  int copy_engines = 0;
  uint64_t memory_mib = 0;
  // In placement units; nullopt if the driver does not tell this user.
  std::optional<std::vector<int>> starts;
  int size = 0;

  friend bool operator==(const DriverProfile&, const DriverProfile&) = default;
};

// All profiles of a GPU, by index. Empty if the driver tells none in the GPU's present mode.
// Asks for the newest version of the struct first; indices run until the driver knows no more,
// because newer drivers have more than any header.
Result<std::vector<DriverProfile>> ReadProfiles(const Library& library, nvml_abi::Device device);

}  // namespace flexmig::nvml
