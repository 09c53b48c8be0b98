#include "flexmig/partition/mig_parted.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/strings.h"

#include "document_reader.h"

namespace flexmig::partition {
namespace {

constexpr int64_t kMaxGpuIndex = 255;
constexpr int64_t kMaxInstances = 64;

// Turns the document into rules.
class RuleReader {
 public:
  explicit RuleReader(const DocumentReader& reader) : reader_(reader) {}

  [[nodiscard]] Status Document(const YAML::Node& root, MigPartedFile& result) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto entries,
                             reader_.Map(root, {"version", "mig-configs"}, "the file"));
    FLEXMIG_ASSIGN_OR_RETURN(const auto version, reader_.Required(entries, "version", root));
    if (!version.IsScalar() || version.Scalar() != "v1") {
      return reader_.Error(version, "version is not v1");
    }
    FLEXMIG_ASSIGN_OR_RETURN(const auto configs, reader_.Required(entries, "mig-configs", root));
    FLEXMIG_ASSIGN_OR_RETURN(const auto named, reader_.Map(configs, {}, "mig-configs"));
    if (named.empty()) return reader_.Error(configs, "mig-configs holds no configuration");
    for (const auto& [name, config] : named) {
      FLEXMIG_ASSIGN_OR_RETURN(result.configs[name], Config(config));
    }
    return OkStatus();
  }

 private:
  [[nodiscard]] Result<std::vector<MigPartedRule>> Config(const YAML::Node& config) const {
    if (!config.IsSequence() || config.size() == 0) {
      return reader_.Error(config, "a configuration is not a list of entries");
    }
    std::vector<MigPartedRule> rules;
    for (const auto& entry : config) {
      FLEXMIG_ASSIGN_OR_RETURN(rules.emplace_back(), Rule(entry));
    }
    return rules;
  }

  [[nodiscard]] Result<MigPartedRule> Rule(const YAML::Node& node) const {
    FLEXMIG_ASSIGN_OR_RETURN(
        const auto entries,
        reader_.Map(node, {"device-filter", "devices", "mig-enabled", "mig-devices"}, "an entry"));
    MigPartedRule rule;
    rule.place = reader_.Place(node.Mark());
    if (const auto filter = DocumentReader::Find(entries, "device-filter")) {
      FLEXMIG_RETURN_IF_ERROR(Filter(*filter, rule));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const auto devices, reader_.Required(entries, "devices", node));
    FLEXMIG_RETURN_IF_ERROR(Devices(devices, rule));
    FLEXMIG_ASSIGN_OR_RETURN(const auto enabled, reader_.Required(entries, "mig-enabled", node));
    FLEXMIG_ASSIGN_OR_RETURN(rule.mig_enabled, reader_.Bool(enabled));
    const auto instances = DocumentReader::Find(entries, "mig-devices");
    if (instances && !instances->IsNull()) {
      FLEXMIG_RETURN_IF_ERROR(Instances(*instances, rule));
    } else if (rule.mig_enabled) {
      return reader_.Error(
          node, "mig-enabled is true, but mig-devices is missing; {} means no instances");
    }
    return rule;
  }

  // "" and [] are about every board, as without the key.
  [[nodiscard]] Status Filter(const YAML::Node& node, MigPartedRule& rule) const {
    if (!node.IsScalar() && !node.IsSequence()) {
      return reader_.Error(node, "device-filter is neither a device id nor a list of them");
    }
    const auto add = [&](const YAML::Node& element) -> Status {
      FLEXMIG_ASSIGN_OR_RETURN(const std::string text, reader_.QuotedText(element, "a device id"));
      if (text.empty() && node.IsScalar()) return OkStatus();
      const auto filter = ParseDeviceFilter(text);
      if (!filter.ok()) return reader_.Error(element, filter.status().message());
      rule.device_filter.push_back(*filter);
      return OkStatus();
    };
    if (node.IsScalar()) return add(node);
    for (const auto& element : node) FLEXMIG_RETURN_IF_ERROR(add(element));
    std::ranges::sort(rule.device_filter);
    // Not std::ranges::unique, whose subrange clang 14 cannot use.
    rule.device_filter.erase(std::unique(rule.device_filter.begin(), rule.device_filter.end()),
                             rule.device_filter.end());
    return OkStatus();
  }

  [[nodiscard]] Status Devices(const YAML::Node& node, MigPartedRule& rule) const {
    rule.all_gpus = node.IsScalar() && node.Scalar() == "all";
    if (rule.all_gpus) return OkStatus();
    if (!node.IsSequence()) {
      return reader_.Error(node, "devices is neither 'all' nor a list of GPUs");
    }
    for (const auto& element : node) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto index, reader_.Int(element, 0, kMaxGpuIndex));
      if (std::ranges::find(rule.gpus, static_cast<int>(index)) != rule.gpus.end()) {
        return reader_.Error(element, StrCat("GPU ", index, " is named twice"));
      }
      rule.gpus.push_back(static_cast<int>(index));
    }
    std::ranges::sort(rule.gpus);
    return OkStatus();
  }

  [[nodiscard]] Status Instances(const YAML::Node& node, MigPartedRule& rule) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto counts, reader_.Map(node, {}, "mig-devices"));
    int sum = 0;
    for (const auto& [name, value] : counts) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto count, reader_.Int(value, 0, kMaxInstances));
      if (!rule.mig_enabled) return reader_.Error(value, "instances although MIG is off");
      rule.instances[name] = static_cast<int>(count);
      sum += static_cast<int>(count);
    }
    if (!counts.empty() && sum == 0) {
      return reader_.Error(node, "all counts are 0; {} means no instances");
    }
    return OkStatus();
  }

  const DocumentReader& reader_;
};

// The GPUs that a rule is about, by index.
Result<std::vector<int>> GpusOf(const MigPartedRule& rule, const std::vector<hw::GpuStatus>& gpus) {
  std::vector<int> indices = rule.gpus;
  if (rule.all_gpus) {
    for (const hw::GpuStatus& gpu : gpus) indices.push_back(gpu.index.value());
  }
  const auto is_there = [&](int index) { return index < static_cast<int>(gpus.size()); };
  if (rule.device_filter.empty()) {
    const auto missing = std::ranges::find_if_not(indices, is_there);
    if (missing == indices.end()) return indices;
    return NotFoundError(StrCat(rule.place, ": no GPU ", *missing, ": the node has ", gpus.size()));
  }
  std::erase_if(indices, [&](int index) {
    return !is_there(index) ||
           std::ranges::none_of(rule.device_filter, [&](const DeviceFilter& filter) {
             return filter.Matches(gpus[static_cast<size_t>(index)]);
           });
  });
  return indices;
}

// Here, because the plan no longer knows the place in the file.
Status CheckFits(const MigPartedRule& rule, const hw::GpuStatus& gpu) {
  if (!rule.mig_enabled) return OkStatus();
  const Status fits = mig::PlaceCounts(*gpu.model, rule.instances).status();
  if (fits.code() == StatusCode::kResourceExhausted) {
    return InvalidArgumentError(fits.message()).WithContext(rule.place);
  }
  return fits.WithContext(rule.place);
}

}  // namespace

Result<MigPartedFile> ParseMigParted(std::string_view text, std::string_view file) {
  MigPartedFile result;
  result.file = file;
  const DocumentReader reader(file);
  FLEXMIG_RETURN_IF_ERROR(reader.Read(
      text, [&](const YAML::Node& root) { return RuleReader(reader).Document(root, result); }));
  return result;
}

Result<std::string> ConfigName(const MigPartedFile& file, std::string_view name) {
  if (name.empty() && file.configs.size() == 1) return file.configs.begin()->first;
  if (file.configs.contains(std::string(name))) return std::string(name);
  std::vector<std::string> names;
  for (const auto& [other, rules] : file.configs) names.push_back(other);
  const std::string known = names.empty() ? "none" : StrJoin(names, ", ");
  if (name.empty()) {
    return InvalidArgumentError(
        StrCat(file.file, ": holds several configurations; choose one of ", known));
  }
  return NotFoundError(StrCat(file.file, ": no configuration '", name, "'; there are ", known));
}

Result<std::vector<DesiredGpu>> SelectConfig(const MigPartedFile& file, std::string_view name,
                                             const std::vector<hw::GpuStatus>& gpus) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string config, ConfigName(file, name));
  std::map<int, DesiredGpu> desired;
  for (const MigPartedRule& rule : file.configs.at(config)) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto indices, GpusOf(rule, gpus));
    for (const int index : indices) {
      FLEXMIG_RETURN_IF_ERROR(CheckFits(rule, gpus[static_cast<size_t>(index)]));
      const DesiredGpu gpu{mig::GpuIndex(index), rule.mig_enabled, rule.instances};
      if (!desired.emplace(index, gpu).second) {
        return InvalidArgumentError(
            StrCat(rule.place, ": GPU ", index, " is named by an earlier entry of '", config, "'"));
      }
    }
  }
  if (desired.empty() && !gpus.empty()) {
    return NotFoundError(StrCat(file.file, ": '", config, "' names no GPU of this node, whose ",
                                "GPU 0 is ", FilterOf(gpus[0]).ToString()));
  }
  std::vector<DesiredGpu> sorted;
  sorted.reserve(desired.size());
  for (auto& [index, gpu] : desired) sorted.push_back(std::move(gpu));
  return sorted;
}

}  // namespace flexmig::partition
