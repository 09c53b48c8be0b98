#include "flexmig/sweep/compare.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "flexmig/base/strings.h"

namespace flexmig::sweep {
namespace {

constexpr WorkloadField kWorkloadFields[] = {
    {"trace", &Setting::trace},       {"model", &Setting::model},
    {"cluster", &Setting::cluster},   {"span_nodes", &Setting::span_nodes},
    {"mapping", &Setting::mapping},   {"multi_gpu", &Setting::multi_gpu},
    {"resample", &Setting::resample}, {"load", &Setting::load},
    {"class", &Setting::speed_class}, {"oversize", &Setting::oversize},
    {"queue", &Setting::queue},       {"costs", &Setting::costs},
};

using BySeed = std::map<uint64_t, const RunResult*>;

double Seconds(sched::Duration duration) { return std::chrono::duration<double>(duration).count(); }

// The runs over one workload: those of a policy, and what it depends on, by seed.
struct Group {
  std::map<Setting, BySeed> policies;  // settings with seed 0
  std::set<std::string> costs;         // of those that depend on them
};

struct Best {
  double makespan_s = 0;
  double jct_s = 0;
  std::string makespan_of;
};

// The shortest of each figure among the baselines that did every job; by seed.
std::map<uint64_t, Best> BestBaselines(const Group& group, const std::string& costs) {
  std::map<uint64_t, Best> best;
  for (const auto& [setting, runs] : group.policies) {
    if (!setting.costs.empty() && setting.costs != costs) continue;
    for (const auto& [seed, run] : runs) {
      const sim::Summary& summary = run->summary;
      if (summary.role != sim::Role::kBaseline || summary.jobs_left_out > 0) continue;
      const double makespan = Seconds(summary.makespan);
      const auto [at, is_new] =
          best.try_emplace(seed, Best{makespan, summary.mean_jct_s, setting.policy});
      if (is_new) continue;
      if (makespan < at->second.makespan_s) {
        at->second.makespan_s = makespan;
        at->second.makespan_of = setting.policy;
      }
      at->second.jct_s = std::min(at->second.jct_s, summary.mean_jct_s);
    }
  }
  return best;
}

Row RowOf(const Setting& setting, const BySeed& runs, const std::map<uint64_t, Best>& best) {
  Row row;
  row.setting = setting;
  row.role = runs.begin()->second->summary.role;
  std::vector<double> makespan;
  std::vector<double> jct;
  std::vector<double> wait;
  std::vector<double> held;
  std::vector<double> asked;
  std::vector<double> makespan_ratio;
  std::vector<double> jct_ratio;
  for (const auto& [seed, run] : runs) {
    const sim::Summary& summary = run->summary;
    makespan.push_back(Seconds(summary.makespan));
    jct.push_back(summary.mean_jct_s);
    wait.push_back(summary.mean_wait_s);
    held.push_back(summary.held_utilisation);
    asked.push_back(summary.asked_utilisation);
    row.left_out = std::max(row.left_out, summary.jobs_left_out);
    SeedRun& one = row.runs.emplace_back(SeedRun{seed, run, {}, {}});
    const auto other = best.find(seed);
    if (other == best.end() || summary.jobs_left_out > 0 || summary.role == sim::Role::kReference) {
      continue;
    }
    if (other->second.makespan_s > 0) {
      one.makespan_ratio = makespan.back() / other->second.makespan_s;
      makespan_ratio.push_back(*one.makespan_ratio);
    }
    if (other->second.jct_s > 0) {
      one.jct_ratio = jct.back() / other->second.jct_s;
      jct_ratio.push_back(*one.jct_ratio);
    }
  }
  row.makespan_s = Spread::Of(makespan);
  row.mean_jct_s = Spread::Of(jct);
  row.mean_wait_s = Spread::Of(wait);
  row.held_utilisation = Spread::Of(held);
  row.asked_utilisation = Spread::Of(asked);
  row.makespan_ratio = Spread::Of(makespan_ratio);
  row.jct_ratio = Spread::Of(jct_ratio);
  std::map<std::string, int> wins;
  for (const auto& [seed, one] : best) ++wins[one.makespan_of];
  for (const auto& [policy, count] : wins) {
    if (row.best_baseline.empty() || count > wins[row.best_baseline]) row.best_baseline = policy;
  }
  return row;
}

// "0.853 (0.841-0.866)", "0.853" if all seeds say so, "-" for none; bold if it is a loss.
std::string RatioText(const Spread& ratio, bool is_ours) {
  if (ratio.count == 0) return "-";
  std::string text = fmt::format("{:.3f}", ratio.mean);
  if (ratio.least < ratio.most) text += fmt::format(" ({:.3f}-{:.3f})", ratio.least, ratio.most);
  return is_ours && ratio.mean > 1 ? StrCat("**", text, "**") : text;
}

std::string Named(std::string_view name, const std::string& value) {
  return value.empty() ? "" : StrCat(", ", name, " ", value);
}

std::string WorkloadText(const Setting& workload) {
  return StrCat(TraceName(workload.trace), ", ", workload.cluster, " x ", workload.model,
                Named("span nodes", workload.span_nodes), Named("load", workload.load),
                Named("queue", workload.queue), Named("mapping", workload.mapping),
                Named("multi-GPU", workload.multi_gpu),
                Named("resample", workload.resample == "none" ? "" : workload.resample),
                Named("class", workload.speed_class), Named("oversize", workload.oversize),
                Named("costs", workload.costs));
}

std::string PolicyText(const Setting& setting) {
  return StrCat(setting.policy, Named("comm", setting.communication),
                Named("alloc", setting.allocation));
}

}  // namespace

Spread Spread::Of(const std::vector<double>& values) {
  Spread spread;
  if (values.empty()) return spread;
  spread.count = static_cast<int>(values.size());
  spread.least = *std::min_element(values.begin(), values.end());
  spread.most = *std::max_element(values.begin(), values.end());
  for (const double value : values) spread.mean += value;
  spread.mean /= spread.count;
  return spread;
}

std::string TraceName(const std::string& trace) {
  // Generated sizes have slashes: "sizes=0.14:1/1:2".
  if (trace.starts_with("generate:")) return trace;
  return trace.substr(trace.rfind('/') + 1);  // npos + 1 is 0
}

std::span<const WorkloadField> WorkloadFields() { return kWorkloadFields; }

std::vector<Row> Compare(const Results& results) {
  std::map<Setting, Group> groups;
  for (const auto& [setting, result] : results) {
    Group& group = groups[WorkloadOf(setting)];
    Setting of_policy = setting;
    of_policy.seed = 0;
    group.policies[of_policy][setting.seed] = &result;
    if (Reconfigures(setting.policy)) group.costs.insert(setting.costs);
  }
  std::vector<Row> rows;
  for (auto& [workload, group] : groups) {
    if (group.costs.empty()) group.costs.insert("");
    for (const std::string& costs : group.costs) {
      const auto best = BestBaselines(group, costs);
      const size_t first = rows.size();
      for (const auto& [setting, runs] : group.policies) {
        if (Reconfigures(setting.policy) && setting.costs != costs) continue;
        rows.push_back(RowOf(setting, runs, best));
        rows.back().workload = workload;
        rows.back().workload.costs = costs;
      }
      std::stable_sort(rows.begin() + static_cast<ptrdiff_t>(first), rows.end(),
                       [](const Row& a, const Row& b) { return a.role < b.role; });
    }
  }
  return rows;
}

std::string RenderMarkdown(const std::vector<Row>& rows) {
  std::string text;
  const Row* before = nullptr;
  for (const Row& row : rows) {
    if (before == nullptr || before->workload != row.workload) {
      text += fmt::format(
          "{}### {}\n\n"
          "| policy | makespan s | x best baseline ({}) | mean JCT s | x best | mean wait s | held "
          "% "
          "| asked % | left out |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
          before == nullptr ? "" : "\n", WorkloadText(row.workload),
          row.best_baseline.empty() ? "none did every job" : row.best_baseline);
    }
    const bool is_ours = row.role == sim::Role::kFlexmig;
    text += fmt::format(
        "| {} | {:.0f} | {} | {:.0f} | {} | {:.0f} | {:.1f} | {:.1f} | {} |\n",
        PolicyText(row.setting), row.makespan_s.mean, RatioText(row.makespan_ratio, is_ours),
        row.mean_jct_s.mean, RatioText(row.jct_ratio, is_ours), row.mean_wait_s.mean,
        row.held_utilisation.mean * 100, row.asked_utilisation.mean * 100, row.left_out);
    before = &row;
  }
  return text;
}

std::string RenderCsv(const std::vector<Row>& rows) {
  std::string text;
  for (const WorkloadField& field : kWorkloadFields) text += StrCat(field.name, ",");
  text +=
      "policy,comm,alloc,seeds,"
      "makespan_s,makespan_ratio,makespan_ratio_min,makespan_ratio_max,jct_s,jct_ratio,wait_s,"
      "held_utilisation,asked_utilisation,left_out,best_baseline\n";
  // Settings hold commas: "1,2,3" as a cost, links:... as communication.
  const auto quoted = [](const std::string& value) {
    if (value.find_first_of(",\"\n") == std::string::npos) return value;
    std::string quotes = "\"";
    for (const char c : value) quotes += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quotes + "\"";
  };
  for (const Row& row : rows) {
    for (const WorkloadField& field : kWorkloadFields) {
      text += quoted(row.workload.*field.value) + ",";
    }
    for (const std::string* field :
         {&row.setting.policy, &row.setting.communication, &row.setting.allocation}) {
      text += quoted(*field) + ",";
    }
    text += fmt::format("{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{},{}\n",
                        row.makespan_s.count, row.makespan_s.mean, row.makespan_ratio.mean,
                        row.makespan_ratio.least, row.makespan_ratio.most, row.mean_jct_s.mean,
                        row.jct_ratio.mean, row.mean_wait_s.mean, row.held_utilisation.mean,
                        row.asked_utilisation.mean, row.left_out, quoted(row.best_baseline));
  }
  return text;
}

}  // namespace flexmig::sweep
