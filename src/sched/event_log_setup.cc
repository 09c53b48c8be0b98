// The header of an event log: what the scheduler is made from.

#include <functional>
#include <optional>

#include "event_log_line.h"
#include "event_log_words.h"

namespace flexmig::sched {

namespace {

Result<Quota> ReadQuota(Line& line) {
  Quota quota;
  if (line.Take("leaves=")) {
    FLEXMIG_ASSIGN_OR_RETURN(quota.max_leaves, line.Int(0, kMaxInt));
  }
  if (line.Take("jobs=")) {
    FLEXMIG_ASSIGN_OR_RETURN(quota.max_jobs, line.Int(0, kMaxInt));
  }
  return quota;
}

// Reads the line `word ...` into the header.
class SetupReader {
 public:
  explicit SetupReader(SchedulerSetup& setup) : setup_(setup) {}

  Status ReadGpu(Line& line) {
    mig::InventoryGpu gpu;
    gpu.index = mig::GpuIndex(static_cast<int>(setup_.inventory.gpus.size()));
    std::string key;
    std::string uuid;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Text(), key));
    const auto model = mig::FindGpuModel(key);
    if (!model.ok()) return line.Wrong(model.status().message());
    gpu.model = *model;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Text(), uuid));
    gpu.uuid = mig::GpuUuid(std::move(uuid));
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Int(-1, kMaxInt), gpu.numa_node));
    if (line.Take("node=")) {
      FLEXMIG_ASSIGN_OR_RETURN(const int node, line.Int(1, kMaxInt));
      gpu.node = mig::NodeIndex(node);
    }
    const int last = setup_.inventory.gpus.empty() ? 0 : setup_.inventory.gpus.back().node.value();
    if (gpu.node.value() < last || gpu.node.value() > last + 1) {
      return line.Wrong("nodes are counted through");
    }
    setup_.inventory.gpus.push_back(std::move(gpu));
    return OkStatus();
  }

  Status ReadLeaf(Line& line) {
    mig::Leaf leaf;
    leaf.id = mig::LeafId(static_cast<int>(setup_.inventory.leaves.size()));
    const auto gpu_count = static_cast<int64_t>(setup_.inventory.gpus.size());
    FLEXMIG_ASSIGN_OR_RETURN(const int gpu, line.Int(0, gpu_count - 1));
    leaf.gpu = mig::GpuIndex(gpu);
    const auto& leaves = setup_.inventory.leaves;
    if (!leaves.empty() && leaf.gpu < leaves.back().gpu) {
      return line.Wrong("leaves are sorted by GPU");
    }
    FLEXMIG_ASSIGN_OR_RETURN(const int profile, line.Int(0, kMaxInt));
    leaf.profile =
        setup_.inventory.gpus[static_cast<size_t>(gpu)].model->FindProfile(mig::ProfileId(profile));
    if (leaf.profile == nullptr) return line.Wrong("the board has no such profile");
    constexpr int64_t kMaxUnits = 64;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Int(0, kMaxUnits), leaf.placement.start));
    if (!leaves.empty() && leaf.gpu == leaves.back().gpu &&
        leaf.placement.start < leaves.back().placement.start) {
      return line.Wrong("leaves of a GPU are sorted by their start");
    }
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Int(1, kMaxUnits), leaf.placement.size));
    leaves_on_gpu_ = !leaves.empty() && leaf.gpu == leaves.back().gpu ? leaves_on_gpu_ + 1 : 1;
    if (leaves_on_gpu_ > kMaxUnits) return line.Wrong("more leaves than a GPU can have");
    std::string uuid;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Text(), uuid));
    leaf.uuid = mig::MigUuid(std::move(uuid));
    setup_.inventory.leaves.push_back(std::move(leaf));
    return OkStatus();
  }

  Status ReadUserQuota(Line& line) {
    std::string user;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Text(), user));
    auto& quotas = setup_.options.quotas;
    if (!quotas.empty() && user <= quotas.rbegin()->first) {
      return line.Wrong("users are sorted, and named once");
    }
    return ReadInto(ReadQuota(line), quotas[user]);
  }

  Status ReadWeight(Line& line) {
    std::string user;
    FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Text(), user));
    auto& weights = setup_.options.share_weights;
    if (!weights.empty() && user <= weights.rbegin()->first) {
      return line.Wrong("users are sorted, and named once");
    }
    return ReadInto(line.Int(1, kMaxInt), weights[user]);
  }

 private:
  SchedulerSetup& setup_;
  int64_t leaves_on_gpu_ = 0;
};

}  // namespace

Status ReadSetup(Lines& lines, SchedulerSetup& setup) {
  SetupReader reader(setup);
  SchedulerOptions& options = setup.options;
  if (!lines.Next()) return lines.Missing(StrCat("expected ", kFormatName));
  // Parts come in this order.
  struct Part {
    std::string_view word;
    bool required;
    bool repeats;
    std::function<Status(Line&)> read;
  };
  const auto count = [](Line& line, size_t& into, int64_t min) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t number, line.Number(min, kMaxInt));
    into = static_cast<size_t>(number);
    return OkStatus();
  };
  const auto duration = [](Line& line, std::optional<Duration>& into) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t micros, line.Number(0, kMaxMicros));
    into = Duration(micros);
    return OkStatus();
  };
  const Part parts[] = {
      {kFormatName, true, false,
       [](Line& line) { return line.Int(kFormatVersion, kFormatVersion).status(); }},
      {"queue", true, false, [&](Line& line) { return ReadInto(line.Text(), setup.queue_policy); }},
      {"allocation", true, false,
       [&](Line& line) { return ReadInto(line.Text(), setup.allocation_policy); }},
      {"reservation-depth", true, false,
       [&](Line& line) { return count(line, options.reservation_depth, 1); }},
      {"ended-jobs-kept", true, false,
       [&](Line& line) { return count(line, options.ended_jobs_kept, 0); }},
      {"starvation-bound", false, false,
       [&](Line& line) { return duration(line, options.starvation_bound); }},
      {"share-half-life", false, false,
       [&](Line& line) { return duration(line, options.share_half_life); }},
      {"default-quota", true, false,
       [&](Line& line) { return ReadInto(ReadQuota(line), options.default_quota); }},
      {"quota", false, true, [&](Line& line) { return reader.ReadUserQuota(line); }},
      {"share-weight", false, true, [&](Line& line) { return reader.ReadWeight(line); }},
      {"gpu", false, true, [&](Line& line) { return reader.ReadGpu(line); }},
      {"leaf", false, true, [&](Line& line) { return reader.ReadLeaf(line); }},
      {"events", true, false, [](Line&) { return OkStatus(); }},
  };
  for (const Part& part : parts) {
    bool found = false;
    while (true) {
      Line line = lines.Current();
      if (!line.Take(part.word)) break;
      found = true;
      FLEXMIG_RETURN_IF_ERROR(part.read(line));
      FLEXMIG_RETURN_IF_ERROR(line.End());
      if (part.word == "events") return OkStatus();
      if (!lines.Next()) return lines.Missing("the header has no end");
      if (!part.repeats) break;
    }
    if (!found && part.required) {
      return lines.Current().WrongNext(StrCat("expected ", part.word));
    }
  }
  return OkStatus();
}

}  // namespace flexmig::sched
