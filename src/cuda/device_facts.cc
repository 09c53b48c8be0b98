#include <algorithm>
#include <cctype>
#include <cstring>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "functions.h"
#include "result_status.h"

namespace flexmig::cuda {
namespace {

using cuda_abi::DeviceAttribute;
using cuda_abi::ResultCode;

// "NVIDIA A100-SXM4-40GB MIG 1g.5gb": a profile begins with its number of slices.
bool IsMigName(std::string_view name) {
  constexpr std::string_view kMark = " MIG ";
  const size_t at = name.rfind(kMark);
  if (at == std::string_view::npos || at + kMark.size() == name.size()) return false;
  return std::isdigit(static_cast<unsigned char>(name[at + kMark.size()])) != 0;
}

// What the kernel knows of it; -1 if nothing.
int NumaNodeOf(std::string pci_bus_id) {
  std::ranges::transform(pci_bus_id, pci_bus_id.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto text = ReadFile(StrCat("/sys/bus/pci/devices/", pci_bus_id, "/numa_node"));
  if (!text.ok()) return -1;
  const auto node = ParseInt(StripWhitespace(*text), -1, 1 << 20);
  return node.ok() ? static_cast<int>(*node) : -1;
}

}  // namespace

std::string UuidText(const DeviceFacts& facts) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = facts.is_mig ? "MIG-" : "GPU-";
  for (size_t i = 0; i < facts.uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[facts.uuid[i] >> 4];
    text += kDigits[facts.uuid[i] & 15];
  }
  return text;
}

Result<DeviceFacts> Driver::Facts() const {
  const Functions& f = functions_;
  DeviceFacts facts;
  cuda_abi::Device device = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(f.context_device(&device), "cuCtxGetDevice"));
  // A CUdevice is opaque, so its ordinal is looked for.
  FLEXMIG_ASSIGN_OR_RETURN(const int count, DeviceCount());
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cuda_abi::Device other = -1;
    FLEXMIG_RETURN_IF_ERROR(ToStatus(f.device_get(&other, ordinal), "cuDeviceGet"));
    if (other == device) facts.ordinal = ordinal;
  }
  char name[256] = "";
  FLEXMIG_RETURN_IF_ERROR(ToStatus(f.device_name(name, sizeof name, device), "cuDeviceGetName"));
  facts.name = name;
  facts.is_mig = IsMigName(facts.name);
  cuda_abi::Uuid uuid{};
  FLEXMIG_RETURN_IF_ERROR(ToStatus(f.device_uuid(&uuid, device), "cuDeviceGetUuid"));
  std::memcpy(facts.uuid.data(), uuid.bytes, sizeof uuid);
  char bus_id[32] = "";
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(f.device_pci_bus_id(bus_id, sizeof bus_id, device), "cuDeviceGetPCIBusId"));
  facts.pci_bus_id = bus_id;

  const auto attribute = [&](DeviceAttribute which, int& value) {
    return ToStatus(f.device_attribute(&value, which, device), "cuDeviceGetAttribute");
  };
  FLEXMIG_RETURN_IF_ERROR(attribute(DeviceAttribute::kComputeCapabilityMajor, facts.compute_major));
  FLEXMIG_RETURN_IF_ERROR(attribute(DeviceAttribute::kComputeCapabilityMinor, facts.compute_minor));
  FLEXMIG_RETURN_IF_ERROR(attribute(DeviceAttribute::kAsyncEngineCount, facts.copy_engines));
  // Attributes that older drivers do not know are an error of the call.
  if (!attribute(DeviceAttribute::kHostNumaId, facts.numa_node).ok() || facts.numa_node < 0) {
    facts.numa_node = NumaNodeOf(facts.pci_bus_id);
  }
  if (f.write_value != nullptr && f.wait_value != nullptr) {
    int offered = 0;
    const Status asked = attribute(f.has_wait_v2 ? DeviceAttribute::kCanUse64BitStreamMemOps
                                                 : DeviceAttribute::kCanUse64BitStreamMemOpsV1,
                                   offered);
    facts.has_wait_64 = asked.ok() && offered != 0;
  }
  return facts;
}

}  // namespace flexmig::cuda
