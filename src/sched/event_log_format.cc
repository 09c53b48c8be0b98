// The writing half of the event log's text form; event_log_parse.cc reads it.

#include <array>

#include "flexmig/base/strings.h"
#include "flexmig/sched/event_log_text.h"

#include "event_log_words.h"

namespace flexmig::sched {

namespace {

void AppendRequest(const alloc::AllocationRequest& request, std::string& line) {
  line += StrCat(" leaves=", request.leaf_count);
  if (request.min_memory > Bytes()) line += StrCat(" memory=", request.min_memory.count());
  if (request.max_gpus) line += StrCat(" gpus=", *request.max_gpus);
  if (request.min_compute_slices != 0) line += StrCat(" slices=", request.min_compute_slices);
  if (request.max_nodes != 1) line += StrCat(" nodes=", request.max_nodes);
  if (request.comm != alloc::Comm::kHeavy) line += StrCat(" comm=", alloc::CommName(request.comm));
}

class EventFormatter {
 public:
  std::string operator()(const SubmitEvent& event) const {
    const Job& job = event.job;
    std::string line = StrCat("submit ", EscapeWord(job.id.value()));
    AppendRequest(job.request, line);
    if (job.estimate) line += StrCat(" estimate=", job.estimate->count());
    if (job.time_limit) line += StrCat(" limit=", job.time_limit->count());
    if (job.priority != 0) line += StrCat(" priority=", job.priority);
    if (!job.user.empty()) line += StrCat(" user=", EscapeWord(job.user));
    if (job.held) line += " held";
    for (const Dependency& dependency : job.after) {
      const bool ok = dependency.condition == Dependency::Condition::kEndedOk;
      line += StrCat(ok ? " after-ok=" : " after-end=", EscapeWord(dependency.job.value()));
    }
    if (job.moldable) {
      std::vector<std::string> speeds;
      for (const int64_t speed : job.moldable->speeds) speeds.push_back(StrCat(speed));
      line += StrCat(" range=", job.moldable->min_leaves, "..", job.moldable->max_leaves, ":",
                     StrJoin(speeds, ","));
    }
    return line;
  }
  std::string operator()(const CancelEvent& event) const { return Named("cancel", event.job); }
  std::string operator()(const FinishEvent& event) const {
    return Named(event.end == JobEnd::kOk ? "finish-ok" : "finish-failed", event.job);
  }
  std::string operator()(const HoldEvent& event) const { return Named("hold", event.job); }
  std::string operator()(const ReleaseHoldEvent& event) const {
    return Named("release", event.job);
  }
  std::string operator()(const LeafLostEvent& event) const {
    return StrCat("leaf-lost ", event.leaf.value());
  }
  std::string operator()(const LeafBackEvent& event) const {
    return StrCat("leaf-back ", event.leaf.value());
  }
  std::string operator()(const TickEvent& event) const {
    std::string line = "tick";
    if (event.max_starts >= 0) line += StrCat(" max=", event.max_starts);
    for (const Decision& decision : event.decisions) line += std::visit(*this, decision);
    return line;
  }

  std::string operator()(const StartJob& start) const {
    std::vector<std::string> leaves;
    for (const mig::LeafId leaf : start.allocation.leaves) leaves.push_back(StrCat(leaf.value()));
    return StrCat(" start ", EscapeWord(start.job.value()), " ", StrJoin(leaves, ","));
  }
  std::string operator()(const RejectJob& reject) const {
    return StrCat(" reject ", EscapeWord(reject.job.value()), " ",
                  StatusCodeName(reject.reason.code()), " ", EscapeWord(reject.reason.message()));
  }
  std::string operator()(const EndJob& end) const {
    return StrCat(" end ", EscapeWord(end.job.value()));
  }

 private:
  static std::string Named(std::string_view what, const JobId& job) {
    return StrCat(what, " ", EscapeWord(job.value()));
  }
};

std::string FormatQuota(const Quota& quota) {
  std::string text;
  if (quota.max_leaves) text += StrCat(" leaves=", *quota.max_leaves);
  if (quota.max_jobs) text += StrCat(" jobs=", *quota.max_jobs);
  return text;
}

}  // namespace

std::string EscapeWord(std::string_view text) {
  constexpr std::array<char, 16> kHex = {'0', '1', '2', '3', '4', '5', '6', '7',
                                         '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};
  if (text.empty()) return "%";
  std::string word;
  for (const char c : text) {
    if (IsPlain(c)) {
      word += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      word += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return word;
}

std::string FormatEvent(const Event& event) {
  return StrCat(event.time.time_since_epoch().count(), " ",
                std::visit(EventFormatter(), event.what));
}

std::string FormatSetup(const SchedulerSetup& setup) {
  const SchedulerOptions& options = setup.options;
  std::string text =
      StrCat(kFormatName, " ", kFormatVersion, "\nqueue ", EscapeWord(setup.queue_policy),
             "\nallocation ", EscapeWord(setup.allocation_policy), "\nreservation-depth ",
             options.reservation_depth, "\nended-jobs-kept ", options.ended_jobs_kept, "\n");
  if (options.starvation_bound) {
    text += StrCat("starvation-bound ", options.starvation_bound->count(), "\n");
  }
  if (options.share_half_life) {
    text += StrCat("share-half-life ", options.share_half_life->count(), "\n");
  }
  text += StrCat("default-quota", FormatQuota(options.default_quota), "\n");
  for (const auto& [user, quota] : options.quotas) {
    text += StrCat("quota ", EscapeWord(user), FormatQuota(quota), "\n");
  }
  for (const auto& [user, weight] : options.share_weights) {
    text += StrCat("share-weight ", EscapeWord(user), " ", weight, "\n");
  }
  for (const mig::InventoryGpu& gpu : setup.inventory.gpus) {
    text += StrCat("gpu ", EscapeWord(gpu.model->key), " ", EscapeWord(gpu.uuid.value()), " ",
                   gpu.numa_node, gpu.node.value() == 0 ? "" : StrCat(" node=", gpu.node.value()),
                   "\n");
  }
  for (const mig::Leaf& leaf : setup.inventory.leaves) {
    text +=
        StrCat("leaf ", leaf.gpu.value(), " ", leaf.profile->id.value(), " ", leaf.placement.start,
               " ", leaf.placement.size, " ", EscapeWord(leaf.uuid.value()), "\n");
  }
  return text + "events\n";
}

std::string FormatRecording(const Recording& recording) {
  std::string text = FormatSetup(recording.setup);
  for (const Event& event : recording.log.events) {
    text += FormatEvent(event);
    text += '\n';
  }
  return text;
}

}  // namespace flexmig::sched
