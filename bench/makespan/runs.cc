#include "runs.h"

#include <algorithm>
#include <cmath>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::makespan {
namespace {

double ValueOf(const sweep::RunResult& run, Metric metric) {
  switch (metric) {
    case Metric::kMakespan: return std::chrono::duration<double>(run.summary.makespan).count();
    case Metric::kJct: return run.summary.mean_jct_s;
    case Metric::kWait: return run.summary.mean_wait_s;
    case Metric::kHeld: return run.summary.held_utilisation;
    case Metric::kAsked: return run.summary.asked_utilisation;
  }
  FLEXMIG_CHECK(false);
}

// The part of a setting that is not the workload's.
sweep::Setting VariantOf(const sweep::Setting& setting) {
  sweep::Setting variant;
  variant.policy = setting.policy;
  variant.communication = setting.communication;
  variant.costs = setting.costs;
  variant.allocation = setting.allocation;
  return variant;
}

}  // namespace

sweep::Setting Variant::ToSetting() const {
  sweep::Setting setting;
  setting.policy = policy;
  setting.communication = communication;
  setting.costs = costs;
  if (sweep::UsesLeaves(policy)) setting.allocation = allocation;
  return VariantOf(setting);
}

Runs::Runs(sweep::Results results) : results_(std::move(results)) {
  for (const auto& [setting, result] : results_) {
    runs_[sweep::WorkloadOf(setting)][VariantOf(setting)][setting.seed] = &result;
  }
  for (const auto& [workload, variants] : runs_) workloads_.push_back(workload);
}

const Runs::BySeed* Runs::Find(const sweep::Setting& workload, const Variant& variant) const {
  const auto& variants = runs_.at(workload);
  const auto at = variants.find(variant.ToSetting());
  return at == variants.end() ? nullptr : &at->second;
}

sweep::Spread Runs::Ratio(const sweep::Setting& workload, const Variant& a, const Variant& b,
                          Metric metric) const {
  const BySeed* ours = Find(workload, a);
  const BySeed* theirs = Find(workload, b);
  std::vector<double> ratios;
  if (ours == nullptr || theirs == nullptr) return {};
  for (const auto& [seed, run] : *ours) {
    const auto other = theirs->find(seed);
    if (other == theirs->end()) continue;
    if (run->summary.jobs_done != other->second->summary.jobs_done) continue;
    ratios.push_back(ValueOf(*run, metric) / ValueOf(*other->second, metric));
  }
  return sweep::Spread::Of(ratios);
}

sweep::Spread Runs::RatioToBest(const sweep::Setting& workload, const Variant& a,
                                Metric metric) const {
  const BySeed* ours = Find(workload, a);
  if (ours == nullptr) return {};
  std::vector<double> ratios;
  for (const auto& [seed, run] : *ours) {
    double best = 0;
    for (const std::string& policy : OneToOnePolicies()) {
      const BySeed* theirs = Find(workload, {policy, "", ""});
      if (theirs == nullptr || !theirs->contains(seed)) continue;
      const sweep::RunResult& other = *theirs->at(seed);
      if (other.summary.jobs_done != run->summary.jobs_done) continue;
      const double value = ValueOf(other, metric);
      if (best == 0 || value < best) best = value;
    }
    if (best > 0) ratios.push_back(ValueOf(*run, metric) / best);
  }
  return sweep::Spread::Of(ratios);
}

sweep::Spread Runs::Of(const sweep::Setting& workload, const Variant& a, Metric metric) const {
  std::vector<double> values;
  if (const BySeed* runs = Find(workload, a)) {
    for (const auto& [seed, run] : *runs) values.push_back(ValueOf(*run, metric));
  }
  return sweep::Spread::Of(values);
}

Runs::Best Runs::BestOf(const sweep::Setting& workload) const {
  std::map<uint64_t, std::pair<double, std::string>> shortest;
  for (const std::string& policy : OneToOnePolicies()) {
    const BySeed* runs = Find(workload, {policy, "", ""});
    if (runs == nullptr) continue;
    for (const auto& [seed, run] : *runs) {
      const double value = ValueOf(*run, Metric::kMakespan);
      const auto [at, is_new] = shortest.try_emplace(seed, value, policy);
      if (!is_new && value < at->second.first) at->second = {value, policy};
    }
  }
  Best best;
  std::map<std::string, int> wins;
  for (const auto& [seed, one] : shortest) {
    ++wins[one.second];
    best.makespan_h += one.first / 3600 / static_cast<double>(shortest.size());
  }
  for (const auto& [policy, count] : wins) {
    if (best.policy.empty() || count > wins[best.policy]) best.policy = policy;
  }
  return best;
}

std::string TraceText(const sweep::Setting& workload) {
  const size_t slash = workload.trace.rfind('/');
  std::string name = workload.trace.substr(slash == std::string::npos ? 0 : slash + 1);
  name = name.substr(0, name.find('.'));
  // The two mixes of bench/makespan/run.sh.
  if (workload.mapping.find("6=") != std::string::npos) return name + ", openb sizes";
  if (workload.mapping.starts_with("seeded-mix")) return name + ", instance sizes";
  return name;
}

std::vector<Group> GroupsOf(const Runs& runs) {
  std::map<sweep::Setting, Group> groups;
  for (const sweep::Setting& workload : runs.workloads()) {
    sweep::Setting common = workload;
    common.trace = common.mapping = "";
    groups[common].workloads.push_back(workload);
  }
  std::vector<Group> list;
  for (auto& [common, group] : groups) {
    group.title =
        StrCat(common.cluster, " x ", common.model, ", ", common.queue, ", load ", common.load,
               ", oversize ", common.oversize, ", multi-GPU jobs ", common.multi_gpu);
    list.push_back(std::move(group));
  }
  return list;
}

double GeometricMean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace flexmig::makespan
