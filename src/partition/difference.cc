#include "flexmig/partition/difference.h"

#include <algorithm>
#include <optional>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

std::string Describe(const mig::ProfileCounts& counts) {
  std::vector<std::string> parts;
  for (const auto& [profile, count] : counts) parts.push_back(StrCat(count, " x ", profile));
  return parts.empty() ? "no instances" : StrJoin(parts, " + ");
}

std::string OnOff(bool on) { return on ? "on" : "off"; }

// What is different about one GPU.
std::optional<std::string> Difference(const ObservedGpu& gpu, const DesiredGpu& desired,
                                      bool mode_only) {
  const hw::GpuStatus& status = gpu.status;
  if (status.mig_enabled != desired.mig_enabled) {
    const std::string_view pending =
        status.mig_enabled_pending == desired.mig_enabled ? "; the change waits for a reset" : "";
    return StrCat("MIG is ", OnOff(status.mig_enabled), ", not ", OnOff(desired.mig_enabled),
                  pending);
  }
  if (mode_only || !desired.mig_enabled) return std::nullopt;
  mig::ProfileCounts present;
  int bare = 0;
  for (const ObservedInstance& instance : gpu.instances) {
    const mig::Profile* profile = status.model->FindProfile(instance.placed.profile);
    const std::string name = profile == nullptr
                                 ? StrCat("profile ", instance.placed.profile.value())
                                 : std::string(profile->name);
    if (instance.device) {
      ++present[name];
    } else {
      ++bare;
    }
  }
  mig::ProfileCounts wanted = desired.instances;
  std::erase_if(wanted, [](const auto& entry) { return entry.second == 0; });
  const std::string bare_text =
      bare == 0 ? ""
                : StrCat(" and ", bare, bare == 1 ? " GPU instance" : " GPU instances",
                         " without compute instance");
  if (present == wanted && bare == 0) return std::nullopt;
  return StrCat("has ", Describe(present), bare_text, ", not ", Describe(wanted));
}

}  // namespace

std::vector<std::string> FindDifferences(const std::vector<ObservedGpu>& gpus,
                                         const std::vector<DesiredGpu>& desired, bool mode_only) {
  std::vector<std::string> differences;
  for (const ObservedGpu& gpu : gpus) {
    const auto wish = std::ranges::find(desired, gpu.status.index, &DesiredGpu::gpu);
    const auto difference = wish == desired.end() ? std::optional<std::string>("no entry names it")
                                                  : Difference(gpu, *wish, mode_only);
    if (difference) {
      differences.push_back(StrCat("GPU ", gpu.status.index.value(), ": ", *difference));
    }
  }
  return differences;
}

}  // namespace flexmig::partition
