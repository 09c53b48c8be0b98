#include <map>
#include <optional>
#include <string>

#include "flexmig/report/comparison_data.h"
#include "flexmig/report/summary_fields.h"

#include "page_json.h"
#include "report_json.h"

namespace flexmig::report {

namespace {

Json NumberOrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string RenderPageJson(const ComparisonData& data) {
  Json json = {{"format", "flexmig-comparison/1"},
               {"title", data.title},
               {"version", data.version},
               {"command", data.command},
               {"fields", data.fields},
               {"workloads", data.workloads},
               {"policies", Json::array()},
               {"descriptions", Json::array()},
               {"runs", Json::array()}};
  for (const ComparisonData::Policy& policy : data.policies) {
    json["policies"].push_back({{"name", policy.name}, {"role", RoleName(policy.role)}});
  }
  // Nearly all runs of a policy have the same one.
  std::map<std::string, size_t> descriptions;
  for (const ComparisonData::Run& run : data.runs) {
    const auto [at, is_new] = descriptions.try_emplace(run.description, descriptions.size());
    if (is_new) json["descriptions"].push_back(run.description);
    Json summary = SummaryJson(run.summary);
    summary["makespan_over_best_baseline"] = NumberOrNull(run.makespan_over_best_baseline);
    summary["mean_jct_over_best_baseline"] = NumberOrNull(run.mean_jct_over_best_baseline);
    json["runs"].push_back({{"workload", run.workload},
                            {"policy", run.policy},
                            {"seed", run.seed},
                            {"description", at->second},
                            {"offered_load", NumberOrNull(run.offered_load)},
                            {"summary", std::move(summary)}});
  }
  return DumpForPage(json);
}

}  // namespace flexmig::report
