#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"

namespace flexmig::partition {

// What a mig-parted file's device-filter names: boards by their PCI ids, packed as NVML packs them,
// device in the upper half and vendor in the lower.
struct DeviceFilter {
  uint32_t device = 0;                // 0x20B010DE
  std::optional<uint32_t> subsystem;  // none: any

  [[nodiscard]] bool Matches(const hw::GpuStatus& gpu) const;
  // "0x20B010DE", "0x20B010DE:0x134F10DE": capital digits, eight of them.
  [[nodiscard]] std::string ToString() const;

  friend auto operator<=>(const DeviceFilter&, const DeviceFilter&) = default;
};

// The text in ToString's form; small digits do as well.
// Errors: kInvalidArgument, quoting it. (mig-parted takes what it cannot read for a board that does
// not exist; here it would hide a misspelling.)
Result<DeviceFilter> ParseDeviceFilter(std::string_view text);

// The filter that only boards of this kind pass.
DeviceFilter FilterOf(const hw::GpuStatus& gpu);

}  // namespace flexmig::partition
