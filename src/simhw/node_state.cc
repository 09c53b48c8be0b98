#include "flexmig/simhw/node_state.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "flexmig.sim-node/v2";

// "<line>:<column>" of the byte with this 1-based number.
std::string LineAndColumn(std::string_view text, size_t byte) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  return StrCat(line, ":", column);
}

// The library keeps the last of two equal keys silently; here they are an error.
Result<Json> ParseJson(std::string_view text, std::string_view file) {
  std::vector<std::set<std::string>> keys;
  std::string repeated;
  const auto watch_keys = [&](int, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!keys.back().insert(key).second) repeated = key;
    }
    return true;
  };
  try {
    Json document = Json::parse(text.begin(), text.end(), watch_keys);
    if (!repeated.empty()) {
      return DataLossError(StrCat(file, ": the key '", repeated, "' is repeated"));
    }
    return document;
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...".
    std::string_view reason = error.what();
    const size_t colon = reason.find(": ");
    if (colon != std::string_view::npos) reason.remove_prefix(colon + 2);
    return DataLossError(StrCat(file, ":", LineAndColumn(text, error.byte), ": ", reason));
  } catch (const Json::exception& error) {  // a number out of range has no position
    return DataLossError(StrCat(file, ": ", error.what()));
  }
}

// A value in the document and the way to it, for messages.
class Node {
 public:
  Node(const Json& json, std::string path) : json_(&json), path_(std::move(path)) {}

  [[nodiscard]] Status Error(std::string_view problem) const {
    return DataLossError(StrCat(path_.empty() ? "the document" : path_, ": ", problem));
  }

  // Ok for an object with exactly these keys.
  [[nodiscard]] Status HasExactly(const std::vector<std::string>& keys) const {
    if (!json_->is_object()) return Error("is not an object");
    for (const auto& key : keys) {
      if (!json_->contains(key)) return Error(StrCat("lacks the key '", key, "'"));
    }
    for (const auto& [key, value] : json_->items()) {
      if (std::ranges::find(keys, key) == keys.end()) {
        return Error(StrCat("has the unknown key '", key, "'"));
      }
    }
    return OkStatus();
  }

  // REQUIRES: HasExactly said that the key exists.
  [[nodiscard]] Node At(const char* key) const {
    return {json_->at(key), path_.empty() ? key : StrCat(path_, ".", key)};
  }

  [[nodiscard]] Result<std::vector<Node>> Elements() const {
    if (!json_->is_array()) return Error("is not an array");
    std::vector<Node> nodes;
    for (size_t i = 0; i < json_->size(); ++i) {
      nodes.emplace_back((*json_)[i], StrCat(path_, "[", i, "]"));
    }
    return nodes;
  }

  [[nodiscard]] Result<bool> Bool() const {
    if (!json_->is_boolean()) return Error("is neither true nor false");
    return json_->get<bool>();
  }

  [[nodiscard]] Result<int64_t> Int(int64_t min, int64_t max) const {
    const auto too_large = [&] {
      return json_->is_number_unsigned() && json_->get<uint64_t>() > uint64_t{INT64_MAX};
    };
    if (!json_->is_number_integer() || too_large() || json_->get<int64_t>() < min ||
        json_->get<int64_t>() > max) {
      return Error(StrCat("is not a whole number from ", min, " to ", max));
    }
    return json_->get<int64_t>();
  }

  [[nodiscard]] Status IsText(std::string_view expected) const {
    if (!json_->is_string() || json_->get_ref<const std::string&>() != expected) {
      return Error(StrCat("is not \"", expected, "\""));
    }
    return OkStatus();
  }

 private:
  const Json* json_;
  std::string path_;
};

Result<SimComputeInstance> ReadComputeInstance(const Node& node) {
  FLEXMIG_RETURN_IF_ERROR(node.HasExactly({"id", "start", "slices"}));
  FLEXMIG_ASSIGN_OR_RETURN(const auto id, node.At("id").Int(0, INT32_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto start, node.At("start").Int(0, INT32_MAX / 2));
  FLEXMIG_ASSIGN_OR_RETURN(const auto slices, node.At("slices").Int(1, INT32_MAX / 2));
  return SimComputeInstance{mig::ComputeInstanceId(static_cast<int>(id)), static_cast<int>(start),
                            static_cast<int>(slices)};
}

Result<SimInstance> ReadInstance(const Node& node) {
  FLEXMIG_RETURN_IF_ERROR(node.HasExactly({"profile", "start", "size", "compute_instances"}));
  FLEXMIG_ASSIGN_OR_RETURN(const auto profile, node.At("profile").Int(0, INT32_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto start, node.At("start").Int(0, INT32_MAX / 2));
  FLEXMIG_ASSIGN_OR_RETURN(const auto size, node.At("size").Int(1, INT32_MAX / 2));
  SimInstance instance;
  instance.placed.profile = mig::ProfileId(static_cast<int>(profile));
  instance.placed.placement = {static_cast<int>(start), static_cast<int>(size)};
  FLEXMIG_ASSIGN_OR_RETURN(const auto parts, node.At("compute_instances").Elements());
  for (const Node& part : parts) {
    FLEXMIG_ASSIGN_OR_RETURN(instance.compute_instances.emplace_back(), ReadComputeInstance(part));
  }
  return instance;
}

// A GPU instance and a compute instance of it, or -1 twice.
Status ReadPlace(const Node& node, mig::GpuInstanceId& gpu_instance,
                 mig::ComputeInstanceId& compute_instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto gi, node.At("gpu_instance").Int(hw::kNoInstance, INT32_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto ci,
                           node.At("compute_instance").Int(hw::kNoInstance, INT32_MAX));
  gpu_instance = mig::GpuInstanceId(static_cast<int>(gi));
  compute_instance = mig::ComputeInstanceId(static_cast<int>(ci));
  return OkStatus();
}

Result<SimProcess> ReadProcess(const Node& node) {
  FLEXMIG_RETURN_IF_ERROR(
      node.HasExactly({"pid", "start_ticks", "gpu_instance", "compute_instance", "memory_bytes"}));
  FLEXMIG_ASSIGN_OR_RETURN(const auto pid, node.At("pid").Int(1, INT32_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto ticks, node.At("start_ticks").Int(0, INT64_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto memory, node.At("memory_bytes").Int(0, INT64_MAX));
  SimProcess process;
  process.pid = static_cast<pid_t>(pid);
  process.start_ticks = static_cast<uint64_t>(ticks);
  process.memory = Bytes::Of(memory);
  FLEXMIG_RETURN_IF_ERROR(ReadPlace(node, process.gpu_instance, process.compute_instance));
  return process;
}

Result<SimEvent> ReadEvent(const Node& node) {
  FLEXMIG_RETURN_IF_ERROR(node.HasExactly({"number", "xid", "gpu_instance", "compute_instance"}));
  FLEXMIG_ASSIGN_OR_RETURN(const auto number, node.At("number").Int(1, INT64_MAX));
  FLEXMIG_ASSIGN_OR_RETURN(const auto xid, node.At("xid").Int(0, INT32_MAX));
  SimEvent event;
  event.number = static_cast<uint64_t>(number);
  event.xid = static_cast<int>(xid);
  FLEXMIG_RETURN_IF_ERROR(ReadPlace(node, event.gpu_instance, event.compute_instance));
  return event;
}

Result<SimBoard> ReadBoard(const mig::GpuModel& model, const Node& node) {
  FLEXMIG_RETURN_IF_ERROR(
      node.HasExactly({"model", "mig", "mig_pending", "instances", "processes", "events"}));
  FLEXMIG_RETURN_IF_ERROR(node.At("model").IsText(model.key));
  BoardState state;
  FLEXMIG_ASSIGN_OR_RETURN(state.mig_enabled, node.At("mig").Bool());
  FLEXMIG_ASSIGN_OR_RETURN(state.mig_enabled_pending, node.At("mig_pending").Bool());
  FLEXMIG_ASSIGN_OR_RETURN(const auto instances, node.At("instances").Elements());
  for (const Node& element : instances) {
    FLEXMIG_ASSIGN_OR_RETURN(state.instances.emplace_back(), ReadInstance(element));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto processes, node.At("processes").Elements());
  for (const Node& element : processes) {
    FLEXMIG_ASSIGN_OR_RETURN(state.processes.emplace_back(), ReadProcess(element));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto events, node.At("events").Elements());
  for (const Node& element : events) {
    FLEXMIG_ASSIGN_OR_RETURN(state.events.emplace_back(), ReadEvent(element));
  }
  auto board = SimBoard::Restore(model, std::move(state));
  if (!board.ok()) return node.Error(board.status().message());
  return board;
}

Result<NodeState> ReadDocument(const NodeSpec& spec, const Node& root) {
  FLEXMIG_RETURN_IF_ERROR(root.HasExactly({"format", "node", "gpus"}));
  FLEXMIG_RETURN_IF_ERROR(root.At("format").IsText(kFormat));
  FLEXMIG_RETURN_IF_ERROR(root.At("node").IsText(spec.name));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, root.At("gpus").Elements());
  if (gpus.size() != spec.boards.size()) {
    return root.At("gpus").Error(StrCat("has ", gpus.size(), " elements; ", spec.name, " has ",
                                        spec.boards.size(), " GPUs"));
  }
  NodeState state;
  for (size_t i = 0; i < gpus.size(); ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(auto board, ReadBoard(*spec.boards[i].model, gpus[i]));
    state.push_back(std::move(board));
  }
  return state;
}

}  // namespace

NodeState FreshState(const NodeSpec& spec) {
  NodeState state;
  for (const BoardSpec& board : spec.boards) state.emplace_back(*board.model);
  return state;
}

std::string FormatNodeState(const NodeSpec& spec, const NodeState& state) {
  using Ordered = nlohmann::ordered_json;
  Ordered gpus = Ordered::array();
  for (const SimBoard& board : state) {
    Ordered instances = Ordered::array();
    for (const SimInstance& instance : board.state().instances) {
      Ordered parts = Ordered::array();
      for (const SimComputeInstance& part : instance.compute_instances) {
        parts.push_back({{"id", part.id.value()}, {"start", part.start}, {"slices", part.slices}});
      }
      instances.push_back({{"profile", instance.placed.profile.value()},
                           {"start", instance.placed.placement.start},
                           {"size", instance.placed.placement.size},
                           {"compute_instances", std::move(parts)}});
    }
    Ordered processes = Ordered::array();
    for (const SimProcess& process : board.state().processes) {
      processes.push_back({{"pid", process.pid},
                           {"start_ticks", process.start_ticks},
                           {"gpu_instance", process.gpu_instance.value()},
                           {"compute_instance", process.compute_instance.value()},
                           {"memory_bytes", process.memory.count()}});
    }
    Ordered events = Ordered::array();
    for (const SimEvent& event : board.state().events) {
      events.push_back({{"number", event.number},
                        {"xid", event.xid},
                        {"gpu_instance", event.gpu_instance.value()},
                        {"compute_instance", event.compute_instance.value()}});
    }
    gpus.push_back({{"model", std::string(board.model().key)},
                    {"mig", board.state().mig_enabled},
                    {"mig_pending", board.state().mig_enabled_pending},
                    {"instances", std::move(instances)},
                    {"processes", std::move(processes)},
                    {"events", std::move(events)}});
  }
  const Ordered document = {{"format", std::string(kFormat)}, {"node", spec.name}, {"gpus", gpus}};
  return document.dump(1) + "\n";
}

Result<NodeState> ParseNodeState(const NodeSpec& spec, std::string_view text,
                                 std::string_view file) {
  FLEXMIG_ASSIGN_OR_RETURN(const Json document, ParseJson(text, file));
  auto state = ReadDocument(spec, Node(document, ""));
  if (!state.ok()) return state.status().WithContext(file);
  return state;
}

}  // namespace flexmig::simhw
