#include "flexmig/partition/export.h"

#include <algorithm>
#include <set>
#include <string>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

Result<mig::ProfileCounts> CountLeaves(const ObservedGpu& gpu) {
  mig::ProfileCounts counts;
  for (const ObservedInstance& instance : gpu.instances) {
    const mig::Profile* profile = gpu.status.model->FindProfile(instance.placed.profile);
    if (profile == nullptr) {
      return UnimplementedError(StrCat("GPU ", gpu.status.index.value(), ": an instance has ",
                                       "profile id ", instance.placed.profile.value(), ", which ",
                                       gpu.status.model->product, " does not list"));
    }
    if (instance.device) ++counts[std::string(profile->name)];
  }
  return counts;
}

}  // namespace

Result<MigPartedFile> ExportLayout(const std::vector<ObservedGpu>& gpus, std::string_view label) {
  std::vector<MigPartedRule> rules;
  std::set<DeviceFilter> boards;
  for (const ObservedGpu& gpu : gpus) {
    MigPartedRule rule;
    rule.mig_enabled = gpu.status.mig_enabled;
    FLEXMIG_ASSIGN_OR_RETURN(rule.instances, CountLeaves(gpu));
    const DeviceFilter board = FilterOf(gpu.status);
    boards.insert(board);
    auto same = std::ranges::find_if(rules, [&](const MigPartedRule& other) {
      return other.mig_enabled == rule.mig_enabled && other.instances == rule.instances;
    });
    if (same == rules.end()) same = rules.insert(rules.end(), std::move(rule));
    same->gpus.push_back(gpu.status.index.value());
    if (std::ranges::find(same->device_filter, board) == same->device_filter.end()) {
      same->device_filter.push_back(board);
    }
  }
  for (MigPartedRule& rule : rules) {
    std::ranges::sort(rule.device_filter);
    const auto of_its_boards = std::ranges::count_if(gpus, [&](const ObservedGpu& gpu) {
      return std::ranges::binary_search(rule.device_filter, FilterOf(gpu.status));
    });
    rule.all_gpus = rule.gpus.size() == static_cast<size_t>(of_its_boards);
    if (rule.all_gpus) rule.gpus.clear();
    if (boards.size() == 1 || rules.size() == 1) rule.device_filter.clear();
  }
  MigPartedFile file;
  file.configs[std::string(label)] = std::move(rules);
  return file;
}

}  // namespace flexmig::partition
