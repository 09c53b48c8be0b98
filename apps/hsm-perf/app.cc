#include "app.h"

#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"

#include "exit_code.h"
#include "machine.h"
#include "machine_limits.h"
#include "measure.h"
#include "report.h"
#include "tune.h"

namespace flexmig::perf {

namespace {

Status WriteJson(const std::string& path, const nlohmann::json& json) {
  return WriteFileAtomically(path, json.dump(1) + "\n");
}

// Returns whether all results were right.
Result<bool> RunMeasurements(const Options& options, const Library& ours) {
  std::vector<Library> libraries = {ours};
  for (const std::string& name : options.peers) {
    FLEXMIG_ASSIGN_OR_RETURN(auto peer, FindPeer(name));
    libraries.push_back(std::move(peer));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Measurements found, Measure(options, libraries));
  if (!options.json_path.empty()) {
    nlohmann::json points = nlohmann::json::array();
    for (const Record& record : found.records) points.push_back(ToJson(record));
    FLEXMIG_RETURN_IF_ERROR(WriteJson(options.json_path, {{"format", kFileFormat},
                                                          {"machine", DescribeMachine()},
                                                          {"versions", found.versions},
                                                          {"failures", found.failures},
                                                          {"points", points}}));
  }
  return !HasWrongResults(found);
}

Status RunLimits(const Options& options) {
  FLEXMIG_ASSIGN_OR_RETURN(const Limits limits, MeasureLimits(options.group.time));
  std::fputs(LimitsText(limits).c_str(), stdout);
  if (options.json_path.empty()) return OkStatus();
  return WriteJson(
      options.json_path,
      {{"format", kFileFormat}, {"machine", DescribeMachine()}, {"limits", ToJson(limits)}});
}

int ReportError(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "hsm-perf: %s\n", status.message().c_str());
  return app::ExitCodeOf(status.code());
}

}  // namespace

int RunApp(const Options& options, const Library& ours) {
  switch (options.mode) {
    case Options::Mode::kReport:
      return ReportError(WriteReport(options.report_path, options.goals_path, options.inputs));
    case Options::Mode::kLimits: return ReportError(RunLimits(options));
    case Options::Mode::kTune: return ReportError(Tune(options, ours));
    case Options::Mode::kMeasure: break;
  }
  const auto all_right = RunMeasurements(options, ours);
  if (!all_right.ok()) return ReportError(all_right.status());
  if (*all_right) return app::kExitOk;
  std::fputs("hsm-perf: some results are wrong: see #wrong\n", stderr);
  return app::kExitNegative;
}

}  // namespace flexmig::perf
