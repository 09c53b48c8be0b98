#include "flexmig/partition/mig_parted.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

// NVIDIA's own file has 60 kB; the bound keeps hostile input from taking gigabytes.
constexpr size_t kMaxFileBytes = 4 << 20;
constexpr int64_t kMaxGpuIndex = 255;
constexpr int64_t kMaxInstances = 64;

// Counts documents without building them.
class DocumentCounter final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override { ++count; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  int count = 0;
};

// 0, 1, or 2 for more. YAML::LoadAll would do, but yaml-cpp 0.7 never returns from it for some
// texts of a few bytes, in which it finds one empty document after another.
int CountDocuments(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter counter;
  for (int i = 0; i < 2; ++i) {
    if (!parser.HandleNextDocument(counter)) break;
  }
  return counter.count;
}

// Turns the document into rules. Every error names the place of the node it is about.
class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  Result<MigPartedFile> Document(const YAML::Node& root) {
    MigPartedFile result;
    result.file = file_;
    FLEXMIG_ASSIGN_OR_RETURN(const auto entries, Map(root, {"version", "mig-configs"}, "the file"));
    FLEXMIG_ASSIGN_OR_RETURN(const auto version, Required(entries, "version", root));
    if (!version.IsScalar() || version.Scalar() != "v1") {
      return Error(version, "version is not v1");
    }
    FLEXMIG_ASSIGN_OR_RETURN(const auto configs, Required(entries, "mig-configs", root));
    FLEXMIG_ASSIGN_OR_RETURN(const auto named, Map(configs, {}, "mig-configs"));
    for (const auto& [name, config] : named) {
      FLEXMIG_ASSIGN_OR_RETURN(result.configs[name], Config(config));
    }
    return result;
  }

  [[nodiscard]] std::string Place(const YAML::Mark& mark) const {
    if (mark.is_null()) return file_;
    return StrCat(file_, ":", mark.line + 1, ":", mark.column + 1);
  }

 private:
  using Entries = std::vector<std::pair<std::string, YAML::Node>>;

  [[nodiscard]] Status Error(const YAML::Node& node, std::string_view problem) const {
    return InvalidArgumentError(StrCat(Place(node.Mark()), ": ", problem));
  }

  // The entries of a map with only these keys, or with any if `keys` is empty, each once.
  [[nodiscard]] Result<Entries> Map(const YAML::Node& node, const std::vector<std::string>& keys,
                                    std::string_view what) const {
    if (!node.IsMap()) return Error(node, StrCat(what, " is not a map"));
    Entries entries;
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Error(entry.first, "a key is not a word");
      const std::string& key = entry.first.Scalar();
      if (!keys.empty() && std::ranges::find(keys, key) == keys.end()) {
        return Error(entry.first,
                     StrCat("unknown key '", key, "'; there are ", StrJoin(keys, ", ")));
      }
      if (!seen.insert(key).second) {
        return Error(entry.first, StrCat("the key '", key, "' is repeated"));
      }
      entries.emplace_back(key, entry.second);
    }
    return entries;
  }

  static std::optional<YAML::Node> Find(const Entries& entries, std::string_view key) {
    for (const auto& [name, value] : entries) {
      if (name == key) return value;
    }
    return std::nullopt;
  }

  [[nodiscard]] Result<YAML::Node> Required(const Entries& entries, std::string_view key,
                                            const YAML::Node& parent) const {
    const auto found = Find(entries, key);
    if (!found) return Error(parent, StrCat("the key '", key, "' is missing"));
    return *found;
  }

  // A plain number; "7" in quotes is a string.
  [[nodiscard]] Result<int64_t> Int(const YAML::Node& node, int64_t min, int64_t max) const {
    if (!node.IsScalar() || node.Tag() == "!") return Error(node, "not a number");
    const auto value = ParseInt(node.Scalar(), min, max);
    if (!value.ok()) return Error(node, value.status().message());
    return *value;
  }

  [[nodiscard]] Result<bool> Bool(const YAML::Node& node) const {
    if (node.IsScalar() && node.Tag() != "!") {
      if (node.Scalar() == "true") return true;
      if (node.Scalar() == "false") return false;
    }
    return Error(node, "neither true nor false");
  }

  [[nodiscard]] Result<std::vector<MigPartedRule>> Config(const YAML::Node& config) const {
    if (!config.IsSequence() || config.size() == 0) {
      return Error(config, "a configuration is not a list of entries");
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
        Map(node, {"device-filter", "devices", "mig-enabled", "mig-devices"}, "an entry"));
    MigPartedRule rule;
    rule.place = Place(node.Mark());
    if (const auto filter = Find(entries, "device-filter")) {
      if (!filter->IsScalar() && !filter->IsSequence()) {
        return Error(*filter, "device-filter is neither a device id nor a list of them");
      }
      rule.filter_place = Place(filter->Mark());
    }
    FLEXMIG_ASSIGN_OR_RETURN(const auto devices, Required(entries, "devices", node));
    FLEXMIG_RETURN_IF_ERROR(Devices(devices, rule));
    FLEXMIG_ASSIGN_OR_RETURN(const auto enabled, Required(entries, "mig-enabled", node));
    FLEXMIG_ASSIGN_OR_RETURN(rule.mig_enabled, Bool(enabled));
    const auto instances = Find(entries, "mig-devices");
    if (instances && !instances->IsNull()) {
      FLEXMIG_RETURN_IF_ERROR(Instances(*instances, rule));
    }
    return rule;
  }

  [[nodiscard]] Status Devices(const YAML::Node& node, MigPartedRule& rule) const {
    rule.all_gpus = node.IsScalar() && node.Scalar() == "all";
    if (rule.all_gpus) return OkStatus();
    if (!node.IsSequence()) return Error(node, "devices is neither 'all' nor a list of GPUs");
    for (const auto& element : node) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto index, Int(element, 0, kMaxGpuIndex));
      if (std::ranges::find(rule.gpus, static_cast<int>(index)) != rule.gpus.end()) {
        return Error(element, StrCat("GPU ", index, " is named twice"));
      }
      rule.gpus.push_back(static_cast<int>(index));
    }
    std::ranges::sort(rule.gpus);
    return OkStatus();
  }

  [[nodiscard]] Status Instances(const YAML::Node& node, MigPartedRule& rule) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto counts, Map(node, {}, "mig-devices"));
    for (const auto& [name, value] : counts) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto count, Int(value, 0, kMaxInstances));
      if (count > 0 && !rule.mig_enabled) return Error(value, "instances although MIG is off");
      rule.instances[name] = static_cast<int>(count);
    }
    return OkStatus();
  }

  const std::string file_;
};

}  // namespace

Result<MigPartedFile> ParseMigParted(std::string_view text, std::string_view file) {
  if (text.size() > kMaxFileBytes) {
    return InvalidArgumentError(StrCat(file, ": is larger than ", kMaxFileBytes, " bytes"));
  }
  Reader reader(file);
  try {
    const std::string owned(text);
    const int documents = CountDocuments(owned);
    if (documents != 1) {
      return InvalidArgumentError(
          StrCat(file, ":1:1: holds ", documents == 0 ? "no" : "more than one", " YAML document"));
    }
    return reader.Document(YAML::Load(owned));
  } catch (const YAML::Exception& error) {
    return InvalidArgumentError(StrCat(reader.Place(error.mark), ": ", error.msg));
  } catch (const std::exception& error) {  // the library's own containers and streams
    return InvalidArgumentError(StrCat(file, ": ", error.what()));
  }
}

Result<std::vector<DesiredGpu>> SelectConfig(const MigPartedFile& file, std::string_view name,
                                             const std::vector<hw::GpuStatus>& gpus) {
  const auto found = file.configs.find(std::string(name));
  if (found == file.configs.end()) {
    std::vector<std::string> names;
    for (const auto& [other, rules] : file.configs) names.push_back(other);
    return NotFoundError(StrCat(file.file, ": no configuration '", name, "'; there are ",
                                names.empty() ? "none" : StrJoin(names, ", ")));
  }
  std::map<int, DesiredGpu> desired;
  for (const MigPartedRule& rule : found->second) {
    if (!rule.filter_place.empty()) {
      return UnimplementedError(StrCat(rule.filter_place,
                                       ": device-filter is not supported; name "
                                       "the GPUs under devices"));
    }
    std::vector<int> indices = rule.gpus;
    if (rule.all_gpus) {
      for (const hw::GpuStatus& gpu : gpus) indices.push_back(gpu.index.value());
    }
    for (const int index : indices) {
      if (index >= static_cast<int>(gpus.size())) {
        return NotFoundError(
            StrCat(rule.place, ": no GPU ", index, ": the node has ", gpus.size()));
      }
      // Here, because the plan no longer knows the place in the file.
      const auto& model = *gpus[static_cast<size_t>(index)].model;
      const Status fits = mig::PlaceCounts(model, rule.instances).status();
      if (fits.code() == StatusCode::kResourceExhausted) {
        return InvalidArgumentError(fits.message()).WithContext(rule.place);
      }
      if (!fits.ok()) return fits.WithContext(rule.place);
      const DesiredGpu gpu{mig::GpuIndex(index), rule.mig_enabled, rule.instances};
      if (!desired.emplace(index, gpu).second) {
        return InvalidArgumentError(
            StrCat(rule.place, ": GPU ", index, " is named by an earlier entry of '", name, "'"));
      }
    }
  }
  std::vector<DesiredGpu> sorted;
  sorted.reserve(desired.size());
  for (auto& [index, gpu] : desired) sorted.push_back(std::move(gpu));
  return sorted;
}

}  // namespace flexmig::partition
