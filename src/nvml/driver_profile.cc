#include "driver_profile.h"

#include <cstring>

#include "flexmig/base/strings.h"

#include "return_status.h"

namespace flexmig::nvml {
namespace {

using nvml_abi::Device;
using nvml_abi::Return;

// No board has so many places.
constexpr uint32_t kMaxPlacements = 64;

template <typename Info>
DriverProfile FromInfo(uint32_t index, const Info& info) {
  DriverProfile profile;
  profile.index = index;
  profile.id = static_cast<int>(info.id);
  profile.compute_slices = static_cast<int>(info.slice_count);
  profile.instance_count = static_cast<int>(info.instance_count);
  profile.sms = static_cast<int>(info.multiprocessor_count);
  profile.copy_engines = static_cast<int>(info.copy_engine_count);
  profile.memory_mib = info.memory_size_mib;
  return profile;
}

// "MIG 1g.5gb" is printed as "1g.5gb" everywhere else.
template <typename Info>
DriverProfile FromNamedInfo(uint32_t index, const Info& info) {
  DriverProfile profile = FromInfo(index, info);
  std::string_view name(info.name, ::strnlen(info.name, sizeof info.name));
  constexpr std::string_view kPrefix = "MIG ";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  profile.name = name;
  return profile;
}

template <typename Info>
Return AskNamed(const Library& library, Device device, uint32_t index, uint32_t version,
                DriverProfile& profile) {
  // The function takes a v2 and writes the version that the first word asks for.
  static_assert(sizeof(Info) == sizeof(nvml_abi::GpuInstanceProfileInfoV2));
  nvml_abi::GpuInstanceProfileInfoV2 buffer{};
  buffer.version = version;
  const Return code = library.Call(library.functions().profile_info_v, device, index, &buffer);
  if (code != Return::kSuccess) return code;
  Info info;
  std::memcpy(&info, &buffer, sizeof info);
  profile = FromNamedInfo(index, info);
  return code;
}

bool IsVersionTrouble(Return code) {
  return code == Return::kFunctionNotFound || code == Return::kArgumentVersionMismatch ||
         code == Return::kDeprecated;
}

// Newest struct first. The oldest is also asked when the newer ones are not supported: they want
// MIG to be on, it only wants a board that could.
Return Ask(const Library& library, Device device, uint32_t index, DriverProfile& profile) {
  Return code = AskNamed<nvml_abi::GpuInstanceProfileInfoV3>(
      library, device, index, nvml_abi::kGpuInstanceProfileInfoV3, profile);
  // Drivers before v3 have been seen to call its version word an invalid argument.
  if (IsVersionTrouble(code) || code == Return::kInvalidArgument) {
    code = AskNamed<nvml_abi::GpuInstanceProfileInfoV2>(
        library, device, index, nvml_abi::kGpuInstanceProfileInfoV2, profile);
  }
  if (!IsVersionTrouble(code) && code != Return::kNotSupported) return code;
  nvml_abi::GpuInstanceProfileInfo info{};
  code = library.Call(library.functions().profile_info, device, index, &info);
  if (code == Return::kSuccess) profile = FromInfo(index, info);
  return code;
}

// Fills in starts and size; leaves them unknown for a user who may not ask.
Status ReadPlacements(const Library& library, Device device, DriverProfile& profile) {
  const FunctionTable& f = library.functions();
  nvml_abi::Placement placements[kMaxPlacements]{};
  uint32_t count = kMaxPlacements;
  const auto id = static_cast<uint32_t>(profile.id);
  Return code = library.Call(f.placements_v2, device, id, &placements[0], &count);
  if (code == Return::kFunctionNotFound) {
    code = library.Call(f.placements_v1, device, id, &placements[0], &count);
  }
  if (code == Return::kNoPermission || code == Return::kNotSupported ||
      code == Return::kFunctionNotFound) {
    return OkStatus();
  }
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, StrCat("placements of profile ", id)));
  if (count > kMaxPlacements) {
    return InternalError(StrCat("the driver lists ", count, " placements of profile ", id));
  }
  profile.starts.emplace();
  for (uint32_t i = 0; i < count; ++i) {
    profile.starts->push_back(static_cast<int>(placements[i].start));
    profile.size = static_cast<int>(placements[i].size);
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<DriverProfile>> ReadProfiles(const Library& library, Device device) {
  std::vector<DriverProfile> profiles;
  for (uint32_t index = 0; index < nvml_abi::kMaxProfileIndex; ++index) {
    DriverProfile profile;
    const Return code = Ask(library, device, index, profile);
    if (code == Return::kInvalidArgument || code == Return::kFunctionNotFound) break;
    if (code == Return::kNotSupported) continue;  // the board lacks it
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, StrCat("profile ", index)));
    FLEXMIG_RETURN_IF_ERROR(ReadPlacements(library, device, profile));
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace flexmig::nvml
