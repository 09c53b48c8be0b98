#include "comparison_page.h"

#include <map>
#include <set>
#include <utility>

#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

namespace flexmig::app {

namespace {

using report::ComparisonData;

// Of policies on leaves; the others have none.
std::set<std::string> Allocations(const std::vector<sweep::Row>& rows) {
  std::set<std::string> allocations;
  for (const sweep::Row& row : rows) {
    if (!row.setting.allocation.empty()) allocations.insert(row.setting.allocation);
  }
  return allocations;
}

std::string Name(const sweep::Setting& setting, bool with_allocation) {
  std::string name = setting.policy;
  if (!setting.communication.empty()) name += StrCat(", comm ", setting.communication);
  if (with_allocation && !setting.allocation.empty()) {
    name += StrCat(", alloc ", setting.allocation);
  }
  return name;
}

std::string Title(const ComparisonData& data) {
  if (data.workloads.size() != 1) {
    return StrCat("Policies on ", data.workloads.size(), " workloads");
  }
  return StrCat("Policies on ", sweep::TraceName(data.workloads.front().front()));
}

}  // namespace

ComparisonData ComparisonPage(const std::vector<sweep::Row>& rows,
                              std::vector<std::string> command) {
  ComparisonData data;
  data.version = Version();
  data.command = std::move(command);
  for (const sweep::WorkloadField& field : sweep::WorkloadFields()) {
    data.fields.emplace_back(field.name);
  }
  const auto allocations = Allocations(rows);
  const bool is_shared = allocations.size() == 1;
  if (is_shared) data.fields.emplace_back("alloc");

  std::map<std::pair<sim::Role, std::string>, size_t> policies;  // baselines come first
  for (const sweep::Row& row : rows) {
    policies[{row.role, Name(row.setting, !is_shared)}] = 0;
  }
  for (auto& [policy, index] : policies) {
    index = data.policies.size();
    data.policies.push_back({policy.second, policy.first});
  }

  // Rows of one workload follow one another.
  const sweep::Setting* workload = nullptr;
  for (const sweep::Row& row : rows) {
    if (workload == nullptr || *workload != row.workload) {
      auto& values = data.workloads.emplace_back();
      for (const sweep::WorkloadField& field : sweep::WorkloadFields()) {
        values.push_back(row.workload.*field.value);
      }
      if (is_shared) values.push_back(*allocations.begin());
    }
    workload = &row.workload;
    for (const sweep::SeedRun& run : row.runs) {
      const sweep::RunResult& result = *run.result;
      data.runs.push_back(
          {data.workloads.size() - 1, policies[{row.role, Name(row.setting, !is_shared)}], run.seed,
           result.offered_load > 0 ? std::optional(result.offered_load) : std::nullopt,
           result.description, result.summary, run.makespan_ratio, run.jct_ratio});
    }
  }
  data.title = Title(data);
  return data;
}

}  // namespace flexmig::app
