#include "flexmig/partition/node_layout.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"

#include "document_reader.h"

namespace flexmig::partition {
namespace {

constexpr std::string_view kFormat = "flexmig.node-layout/v1";
// No board comes near; keeps sums of start and size far from overflow.
constexpr int64_t kMaxNumber = 1'000'000;

// YAML's reader knows the place of every value, but takes more than JSON: the text has to be JSON
// first.
Status CheckIsJson(std::string_view text, std::string_view file) {
  try {
    // Without a callback the parser would build the document; this one keeps nothing.
    [[maybe_unused]] const auto nothing = nlohmann::json::parse(
        text.begin(), text.end(),
        [](int, nlohmann::json::parse_event_t, const auto&) { return false; });
    return OkStatus();
  } catch (const nlohmann::json::parse_error& error) {
    const auto byte = std::min<size_t>(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const std::string_view before = text.substr(0, byte);
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto line_start = before.rfind('\n');
    const size_t column = byte - (line_start == before.npos ? 0 : line_start + 1) + 1;
    return InvalidArgumentError(StrCat(file, ":", line, ":", column, ": is not JSON"));
  } catch (const nlohmann::json::exception& error) {  // a number out of range has no position
    return InvalidArgumentError(StrCat(file, ":1:1: ", error.what()));
  }
}

class LayoutReader {
 public:
  explicit LayoutReader(const DocumentReader& reader) : reader_(reader) {}

  [[nodiscard]] Status Document(const YAML::Node& root, NodeLayout& result) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto entries, Object(root, {"format", "gpus"}, "the file"));
    FLEXMIG_ASSIGN_OR_RETURN(const auto format, reader_.QuotedText(entries.at("format"), "format"));
    if (format != kFormat) {
      return reader_.Error(entries.at("format"), StrCat("format is not ", kFormat));
    }
    const YAML::Node gpus = entries.at("gpus");
    if (!gpus.IsSequence()) return reader_.Error(gpus, "gpus is not a list");
    std::set<mig::GpuUuid> uuids;
    for (const auto& node : gpus) {
      FLEXMIG_ASSIGN_OR_RETURN(SavedGpu gpu, Gpu(node));
      if (!uuids.insert(gpu.uuid).second) {
        return reader_.Error(node, StrCat(gpu.uuid.value(), " is named twice"));
      }
      result.gpus.push_back(std::move(gpu));
    }
    return OkStatus();
  }

 private:
  using Members = std::map<std::string, YAML::Node>;

  // All of `keys`, and no other.
  [[nodiscard]] Result<Members> Object(const YAML::Node& node, const std::vector<std::string>& keys,
                                       std::string_view what) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto entries, reader_.Map(node, keys, what));
    Members members;
    for (const std::string& key : keys) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto value, reader_.Required(entries, key, node));
      members.emplace(key, value);
    }
    return members;
  }

  [[nodiscard]] Result<SavedGpu> Gpu(const YAML::Node& node) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto members,
                             Object(node, {"uuid", "model", "mig_enabled", "instances"}, "a GPU"));
    SavedGpu gpu;
    gpu.place = reader_.Place(node.Mark());
    FLEXMIG_ASSIGN_OR_RETURN(const auto uuid, reader_.QuotedText(members.at("uuid"), "uuid"));
    if (!uuid.starts_with("GPU-")) return reader_.Error(members.at("uuid"), "not a GPU UUID");
    gpu.uuid = mig::GpuUuid(uuid);
    FLEXMIG_ASSIGN_OR_RETURN(gpu.model, reader_.QuotedText(members.at("model"), "model"));
    FLEXMIG_ASSIGN_OR_RETURN(gpu.mig_enabled, reader_.Bool(members.at("mig_enabled")));
    const YAML::Node instances = members.at("instances");
    if (!instances.IsSequence()) return reader_.Error(instances, "instances is not a list");
    if (instances.size() > 0 && !gpu.mig_enabled) {
      return reader_.Error(instances, "instances although MIG is off");
    }
    for (const auto& instance : instances) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto placed, Instance(instance));
      const auto overlapping = std::ranges::find_if(gpu.layout, [&](const auto& other) {
        return other.placement.Overlaps(placed.placement);
      });
      if (overlapping != gpu.layout.end()) {
        return reader_.Error(instance, "overlaps an earlier instance");
      }
      gpu.layout.push_back(placed);
    }
    std::ranges::sort(gpu.layout);
    return gpu;
  }

  [[nodiscard]] Result<mig::PlacedProfile> Instance(const YAML::Node& node) const {
    FLEXMIG_ASSIGN_OR_RETURN(
        const auto members,
        Object(node, {"profile", "profile_id", "start", "size"}, "an instance"));
    // For people; the id decides, because drivers name profiles differently.
    FLEXMIG_RETURN_IF_ERROR(reader_.QuotedText(members.at("profile"), "profile").status());
    FLEXMIG_ASSIGN_OR_RETURN(const auto id, reader_.Int(members.at("profile_id"), 0, kMaxNumber));
    FLEXMIG_ASSIGN_OR_RETURN(const auto start, reader_.Int(members.at("start"), 0, kMaxNumber));
    FLEXMIG_ASSIGN_OR_RETURN(const auto size, reader_.Int(members.at("size"), 1, kMaxNumber));
    return mig::PlacedProfile{mig::ProfileId(static_cast<int>(id)),
                              {static_cast<int>(start), static_cast<int>(size)}};
  }

  const DocumentReader& reader_;
};

std::string NameOf(std::string_view model_key, mig::ProfileId id) {
  const auto model = mig::FindGpuModel(model_key);
  const mig::Profile* profile = model.ok() ? (*model)->FindProfile(id) : nullptr;
  return profile == nullptr ? StrCat("profile ", id.value()) : std::string(profile->name);
}

}  // namespace

NodeLayout SaveLayout(const std::vector<ObservedGpu>& gpus) {
  NodeLayout layout;
  for (const ObservedGpu& gpu : gpus) {
    layout.gpus.push_back({"", gpu.status.uuid, std::string(gpu.status.model->key),
                           gpu.status.mig_enabled, gpu.layout()});
  }
  return layout;
}

std::string FormatNodeLayout(const NodeLayout& layout) {
  const auto quoted = [](const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  // An instance a line, for diff.
  std::string text = StrCat("{\n  \"format\": \"", kFormat, "\",\n  \"gpus\": [");
  for (size_t i = 0; i < layout.gpus.size(); ++i) {
    const SavedGpu& gpu = layout.gpus[i];
    text += StrCat(i == 0 ? "\n" : ",\n", "    {\n      \"uuid\": ", quoted(gpu.uuid.value()),
                   ",\n      \"model\": ", quoted(gpu.model),
                   ",\n      \"mig_enabled\": ", gpu.mig_enabled, ",\n      \"instances\": [");
    for (size_t k = 0; k < gpu.layout.size(); ++k) {
      const mig::PlacedProfile& placed = gpu.layout[k];
      text += StrCat(k == 0 ? "\n" : ",\n",
                     "        {\"profile\": ", quoted(NameOf(gpu.model, placed.profile)),
                     ", \"profile_id\": ", placed.profile.value(),
                     ", \"start\": ", placed.placement.start, ", \"size\": ", placed.placement.size,
                     "}");
    }
    text += StrCat(gpu.layout.empty() ? "" : "\n      ", "]\n    }");
  }
  return text + (layout.gpus.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

Result<NodeLayout> ParseNodeLayout(std::string_view text, std::string_view file) {
  NodeLayout result;
  result.file = file;
  const DocumentReader reader(file);
  FLEXMIG_RETURN_IF_ERROR(CheckIsJson(text, file));
  FLEXMIG_RETURN_IF_ERROR(reader.Read(
      text, [&](const YAML::Node& root) { return LayoutReader(reader).Document(root, result); }));
  return result;
}

Result<std::vector<DesiredGpu>> DesiredFrom(const NodeLayout& layout,
                                            const std::vector<hw::GpuStatus>& gpus,
                                            bool missing_ok) {
  std::vector<DesiredGpu> desired;
  for (const SavedGpu& saved : layout.gpus) {
    const auto gpu = std::ranges::find(gpus, saved.uuid, &hw::GpuStatus::uuid);
    if (gpu == gpus.end()) {
      if (missing_ok) continue;
      return NotFoundError(StrCat(saved.place, ": ", saved.uuid.value(),
                                  " is not on this node; --missing-ok restores the others"));
    }
    if (saved.mig_enabled) {
      const Status fits = mig::CheckLayout(*gpu->model, saved.layout);
      if (!fits.ok()) return InvalidArgumentError(fits.message()).WithContext(saved.place);
    }
    DesiredGpu& wish = desired.emplace_back();
    wish.gpu = gpu->index;
    wish.mig_enabled = saved.mig_enabled;
    if (saved.mig_enabled) wish.instances = CountProfiles(*gpu->model, saved.layout);
    wish.exact = saved.layout;
  }
  std::ranges::sort(desired, {}, &DesiredGpu::gpu);
  return desired;
}

}  // namespace flexmig::partition
