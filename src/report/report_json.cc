#include "report_json.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "flexmig/base/strings.h"
#include "flexmig/report/render.h"
#include "flexmig/report/summary_fields.h"

#include "page_json.h"

namespace flexmig::report {

namespace {

double Seconds(sched::Duration duration) { return std::chrono::duration<double>(duration).count(); }
double Seconds(sched::TimePoint time) { return Seconds(time.time_since_epoch()); }

// What a chart can show: six significant digits.
double Shown(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const auto digits = static_cast<int>(std::floor(std::log10(std::fabs(value))));
  const double scale = std::pow(10, 5 - digits);
  const double rounded = std::round(value * scale) / scale;
  return std::isfinite(rounded) ? rounded : value;
}

// Runs that may be compared: one load, setting and seed.
using GroupKey = std::tuple<std::optional<double>, std::string, uint64_t>;
GroupKey GroupOf(const ReportRun& run) { return {run.key.load, run.key.setting, run.key.seed}; }

// By group: the makespan of the best baseline that did every job.
std::map<GroupKey, sched::Duration> BestBaselines(const ReportData& data) {
  std::map<GroupKey, std::vector<sim::Summary>> groups;
  for (const ReportRun& run : data.runs) groups[GroupOf(run)].push_back(run.summary);
  std::map<GroupKey, sched::Duration> best;
  for (const auto& [key, summaries] : groups) {
    const sim::Summary* baseline = sim::BestBaseline(summaries);
    if (baseline != nullptr && baseline->makespan.count() > 0) best[key] = baseline->makespan;
  }
  return best;
}

Json Head(const ReportData& data) {
  Json head = {{"format", "flexmig-simulation/1"},
               {"title", data.title},
               {"version", data.version},
               {"command", data.command},
               {"trace",
                {{"name", data.trace_name},
                 {"sha256", data.trace_sha256.empty() ? Json() : Json(data.trace_sha256)},
                 {"jobs", data.trace_jobs}}},
               {"cluster",
                {{"nodes", data.node_count},
                 {"gpus", data.gpu_count},
                 {"product", data.gpu_product},
                 {"compute_slices_per_gpu", data.slices_per_gpu}}},
               {"assumptions", Json::array()},
               {"policies", Json::array()}};
  for (const auto& [name, text] : data.assumptions) {
    head["assumptions"].push_back({{"name", name}, {"text", text}});
  }
  for (const ReportData::Policy& policy : data.policies) {
    head["policies"].push_back({{"name", policy.name},
                                {"role", RoleName(policy.role)},
                                {"description", policy.description}});
  }
  return head;
}

Json RunJson(const ReportRun& run, const std::map<GroupKey, sched::Duration>& best) {
  Json json = {{"policy", run.key.policy},
               {"load", run.key.load ? Json(*run.key.load) : Json()},
               {"setting", run.key.setting},
               {"seed", run.key.seed},
               {"offered_load", run.offered_load ? Json(*run.offered_load) : Json()},
               {"summary", SummaryJson(run.summary)}};
  // As in the table: of runs that did every job under the comparison's speed model.
  const auto baseline = best.find(GroupOf(run));
  const bool is_compared = baseline != best.end() && run.summary.jobs_left_out == 0 &&
                           run.summary.role != sim::Role::kReference;
  json["summary"]["makespan_over_best_baseline"] =
      is_compared ? Json(Seconds(run.summary.makespan) / Seconds(baseline->second)) : Json();
  if (run.detail) json["timeseries_window_s"] = Seconds(run.detail->sample_window);
  return json;
}

Json SeriesJson(const WindowSeries& series, double unit, std::initializer_list<Quantity> wanted) {
  int64_t end = series.origin();
  for (const auto& window : series.windows()) end += window.covered;
  Json json = {{"from", static_cast<double>(series.origin()) * unit},
               {"width", static_cast<double>(series.width()) * unit},
               {"to", static_cast<double>(end) * unit}};
  for (const Quantity quantity : wanted) {
    const auto q = static_cast<size_t>(quantity);
    Json& of = json[std::string(kQuantityNames[q])];
    of = {{"mean", Json::array()}, {"least", Json::array()}, {"largest", Json::array()}};
    for (const auto& window : series.windows()) {
      of["mean"].push_back(Shown(window.Mean(q)));
      of["least"].push_back(Shown(window.least[q]));
      of["largest"].push_back(Shown(window.largest[q]));
    }
  }
  return json;
}

Json DistributionJson(const Distribution& distribution) {
  Json json = Json::array();
  for (const sched::Duration value : distribution.values) json.push_back(Shown(Seconds(value)));
  return json;
}

Json GanttJson(const Gantt& gantt) {
  Json json = {{"first_gpu", gantt.first_gpu},
               {"gpus", gantt.gpu_count},
               {"memory_slices", gantt.units_per_gpu},
               {"from_s", Seconds(gantt.from)},
               {"to_s", Seconds(gantt.to)},
               {"is_cut", gantt.is_cut},
               {"jobs", Json::array()},
               {"pieces", Json::array()},
               {"outages", Json::array()}};
  for (const Gantt::Job& job : gantt.jobs) {
    const auto release = std::min(job.release_time, gantt.to);
    json["jobs"].push_back({job.id, job.asked_slices, job.held_slices, Seconds(job.submit_time),
                            Seconds(job.start_time),
                            job.release_time > gantt.to ? Json() : Json(Seconds(release))});
  }
  for (const Gantt::Piece& piece : gantt.pieces) {
    json["pieces"].push_back({piece.job, piece.gpu, piece.start, piece.size, piece.leaves});
  }
  for (const Gantt::Outage& outage : gantt.outages) {
    const bool is_open = outage.until == outage.from || outage.until > gantt.to;
    json["outages"].push_back(
        {outage.gpu, Seconds(outage.from), is_open ? Seconds(gantt.to) : Seconds(outage.until)});
  }
  return json;
}

Json DetailJson(const RunDetail& detail) {
  using enum Quantity;
  return {{"by_time", SeriesJson(detail.by_time, 1e-6,
                                 {kRunningJobs, kWaitingJobs, kHeldSlices, kAskedSlices,
                                  kGpusOutOfService, kFragmentation, kUnusableSlices})},
          {"by_demand", SeriesJson(detail.by_demand, 1, {kFragmentation, kUnusableSlices})},
          {"jct_s", DistributionJson(detail.completion_time)},
          {"wait_s", DistributionJson(detail.wait_time)},
          {"gantt", GanttJson(detail.gantt)}};
}

}  // namespace

std::string RenderSummaryJson(const ReportData& data) {
  const auto best = BestBaselines(data);
  std::string text = Dump(Head(data), 2, false);
  // The runs follow as lines, so that a large comparison can be read by eye and by line.
  text.resize(text.size() - 2);  // "\n}"
  text += ",\n  \"runs\": [";
  for (size_t i = 0; i < data.runs.size(); ++i) {
    text += StrCat(i == 0 ? "\n    " : ",\n    ", Dump(RunJson(data.runs[i], best), -1, false));
  }
  return text + "\n  ]\n}\n";
}

std::string RenderPageJson(const ReportData& data) {
  const auto best = BestBaselines(data);
  Json json = Head(data);
  json["runs"] = Json::array();
  // The first run of each kind, so that every policy is among them before seeds repeat.
  std::map<std::tuple<size_t, std::optional<double>, std::string>, bool> detailed;
  for (const ReportRun& run : data.runs) {
    json["runs"].push_back(RunJson(run, best));
    if (!run.detail || detailed.size() >= kMaxDetailedRuns) continue;
    if (!detailed.try_emplace({run.key.policy, run.key.load, run.key.setting}, true).second) {
      continue;
    }
    json["runs"].back()["detail"] = DetailJson(*run.detail);
  }
  return DumpForPage(json);
}

}  // namespace flexmig::report
