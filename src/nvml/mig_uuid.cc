#include "mig_uuid.h"

#include <algorithm>
#include <string>

#include "flexmig/base/strings.h"

namespace flexmig::nvml {
namespace {

constexpr std::string_view kPrefix = "MIG-";

// "5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::string_view("0123456789abcdefABCDEF").find(text[i]) != text.npos;
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

}  // namespace

std::optional<MigUuidParts> ParseOldMigUuid(std::string_view uuid) {
  constexpr std::string_view kGpu = "GPU-";
  if (!uuid.starts_with(kPrefix)) return std::nullopt;
  const auto pieces = StrSplit(uuid.substr(kPrefix.size()), '/');
  if (pieces.size() != 3) return std::nullopt;
  if (!pieces[0].starts_with(kGpu) || !IsUuid(pieces[0].substr(kGpu.size()))) return std::nullopt;
  const auto gi = ParseInt(pieces[1], 0, 255);
  const auto ci = ParseInt(pieces[2], 0, 255);
  if (!gi.ok() || !ci.ok()) return std::nullopt;
  return MigUuidParts{mig::GpuUuid(std::string(pieces[0])),
                      mig::GpuInstanceId(static_cast<int>(*gi)),
                      mig::ComputeInstanceId(static_cast<int>(*ci))};
}

mig::MigUuid FormatOldMigUuid(const MigUuidParts& parts) {
  return mig::MigUuid(StrCat(kPrefix, parts.gpu.value(), "/", parts.gpu_instance.value(), "/",
                             parts.compute_instance.value()));
}

bool IsMigUuid(std::string_view uuid) {
  return (uuid.starts_with(kPrefix) && IsUuid(uuid.substr(kPrefix.size()))) ||
         ParseOldMigUuid(uuid).has_value();
}

}  // namespace flexmig::nvml
