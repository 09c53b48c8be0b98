#include "flexmig/partition/device_filter.h"

#include <charconv>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

std::string Hex(uint32_t value) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[(value >> shift) & 0xF];
  return text;
}

std::optional<uint32_t> ParseHex(std::string_view text) {
  if (text.size() != 10 || !(text.starts_with("0x") || text.starts_with("0X"))) {
    return std::nullopt;
  }
  uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data() + 2, end, value, 16);
  if (error != std::errc() || next != end) return std::nullopt;
  return value;
}

}  // namespace

bool DeviceFilter::Matches(const hw::GpuStatus& gpu) const {
  return gpu.pci_device_id == device && (!subsystem || gpu.pci_subsystem_id == *subsystem);
}

std::string DeviceFilter::ToString() const {
  return subsystem ? StrCat(Hex(device), ":", Hex(*subsystem)) : Hex(device);
}

Result<DeviceFilter> ParseDeviceFilter(std::string_view text) {
  const auto parts = StrSplit(text, ':');
  const auto device = ParseHex(parts[0]);
  const auto subsystem = parts.size() == 2 ? ParseHex(parts[1]) : std::nullopt;
  if (!device || parts.size() > 2 || (parts.size() == 2 && !subsystem)) {
    return InvalidArgumentError(
        StrCat("'", text, "' is not a device id such as 0x20B010DE or 0x20B010DE:0x134F10DE"));
  }
  return DeviceFilter{*device, subsystem};
}

DeviceFilter FilterOf(const hw::GpuStatus& gpu) { return {gpu.pci_device_id, std::nullopt}; }

}  // namespace flexmig::partition
