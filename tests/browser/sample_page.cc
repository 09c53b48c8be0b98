// Writes two pages with names that try to be markup: report.html of a small simulation of four
// policies at three loads with three seeds, comparison.html of made-up results of six policies on
// twelve workloads. usage: report-sample FOLDER

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/report/render.h"

#include "report_for_test.h"

namespace flexmig::report {
namespace {

constexpr int kGpus = 12;
constexpr const char* kHostile =
    "</script><img src=x onerror=window.pwned=1><script>window.pwned=1";

std::vector<trace::JobRecord> Workload(double load, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<Line> lines;
  double now = 0;
  for (int i = 0; i < 150; ++i) {
    const int hundredths = 14 * (1 + static_cast<int>(random.NextBelow(7)));
    const int duration = 60 + static_cast<int>(random.NextBelow(2400));
    lines.push_back({static_cast<int>(now), duration, hundredths});
    // Half a GPU for 21 minutes, on average.
    now += 2 * random.NextUnit() * 0.56 * 1260 / (kGpus * load);
  }
  return Records(lines);
}

ReportData Sample() {
  ReportData data;
  data.title = StrCat("Sample ", kHostile);
  data.version = "0";
  data.command = {"report-sample", kHostile};
  data.trace_name = kHostile;
  data.trace_jobs = 150;
  data.gpu_count = kGpus;
  data.gpu_product = "A100";
  data.slices_per_gpu = 7;
  data.assumptions = {{"made up", kHostile}};
  const std::vector<std::string> policies = {"exclusive", "static:4g.20gb+3g.20gb", "dynamic-drain",
                                             "flexmig"};
  for (const std::string& name : policies) {
    data.policies.push_back(
        {name, name == "flexmig" ? sim::Role::kFlexmig : sim::Role::kBaseline, kHostile});
  }
  data.policies[1].name = StrCat(policies[1], kHostile);
  for (const double load : {0.5, 1.0, 1.5}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      for (size_t p = 0; p < policies.size(); ++p) {
        ReportRun run = Record({p, policies[p], load, "", seed}, Workload(load, seed), kGpus).run;
        run.summary.policy = data.policies[p].name;
        run.detail->gantt.jobs.front().id = kHostile;
        data.runs.push_back(std::move(run));
      }
    }
  }
  return data;
}

// Nothing here was simulated: numbers that differ by everything that a page tells apart.
sim::Summary MadeUp(double gpus, double load, size_t policy, uint64_t seed) {
  sim::Summary summary;
  summary.jobs_done = 300;
  // Flex-MIG wins where much is asked for and loses elsewhere.
  constexpr double kFactors[] = {1, 1.1, 1.2, 1.15, 1.03, 0.8};
  const bool is_ours = policy == 3 || policy == 4;
  const double makespan = 40'000 / gpus / load * kFactors[policy] *
                          (is_ours ? 1 - 0.25 * (load - 0.8) : 1) *
                          (1 + 0.02 * static_cast<double>(seed * (policy + 1) % 4));
  summary.makespan = std::chrono::microseconds(static_cast<int64_t>(makespan * 1e6));
  summary.mean_jct_s = makespan / (5 + static_cast<double>(policy));
  summary.mean_wait_s = makespan / (9 + static_cast<double>(seed * policy));
  summary.held_utilisation = 0.9 - 0.05 * static_cast<double>(policy) / static_cast<double>(seed);
  summary.asked_utilisation = 0.8 * summary.held_utilisation;
  return summary;
}

// Of the two runs of policies and seed: null if one of them left jobs out.
std::optional<double> Ratio(double value, double best, const sim::Summary& summary) {
  if (summary.jobs_left_out > 0 || summary.role == sim::Role::kReference) return std::nullopt;
  return value / best;
}

ComparisonData SampleComparison() {
  ComparisonData data;
  data.title = StrCat("Comparison ", kHostile);
  data.version = "0";
  data.command = {"report-sample", kHostile};
  data.fields = {"trace", "cluster", "load", "queue"};
  using enum sim::Role;
  data.policies = {{"exclusive", kBaseline},         {StrCat("static:best", kHostile), kBaseline},
                   {"dynamic-drain", kBaseline},     {"flexmig, comm 0.9", kFlexmig},
                   {"flexmig, comm none", kFlexmig}, {"whole-gpu", kReference}};
  constexpr size_t kLeavesOut = 2;  // a policy, on small clusters
  for (const std::string& trace : {std::string("dir/a.csv.gz"), StrCat("b", kHostile)}) {
    for (const int gpus : {8, 16}) {
      for (const char* load : {"0.8", "1.1", "1.4"}) {
        data.workloads.push_back({trace, StrCat(gpus), load, "fifo"});
        for (uint64_t seed = 1; seed <= 3; ++seed) {
          const size_t first = data.runs.size();
          sim::Summary best;
          for (size_t p = 0; p < data.policies.size(); ++p) {
            auto summary = MadeUp(gpus, std::stod(load), p, seed);
            summary.role = data.policies[p].role;
            summary.jobs_left_out = p == kLeavesOut && gpus == 8 ? 7 : 0;
            if (p == 0 || (p == 1 && summary.makespan < best.makespan)) best = summary;
            data.runs.push_back({data.workloads.size() - 1, p, seed, std::nullopt, kHostile,
                                 summary, std::nullopt, std::nullopt});
          }
          for (size_t i = first; i < data.runs.size(); ++i) {
            ComparisonData::Run& run = data.runs[i];
            run.makespan_over_best_baseline =
                Ratio(static_cast<double>(run.summary.makespan.count()),
                      static_cast<double>(best.makespan.count()), run.summary);
            run.mean_jct_over_best_baseline =
                Ratio(run.summary.mean_jct_s, best.mean_jct_s, run.summary);
          }
        }
      }
    }
  }
  return data;
}

Status Write(const std::filesystem::path& path, const Result<std::string>& page) {
  FLEXMIG_RETURN_IF_ERROR(page.status());
  return WriteFileAtomically(path, *page);
}

int Main(const std::filesystem::path& folder) {
  if (!CanRenderHtml()) {
    std::fprintf(stderr, "report-sample: %s\n", CheckCanRenderHtml().message().c_str());
    return 77;  // what ctest takes for skipped
  }
  for (const Status& status : {Write(folder / "report.html", RenderHtml(Sample())),
                               Write(folder / "comparison.html", RenderHtml(SampleComparison()))}) {
    if (status.ok()) continue;
    std::fprintf(stderr, "report-sample: %s\n", status.message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace flexmig::report

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: report-sample FOLDER\n", stderr);
    return 2;
  }
  return flexmig::report::Main(argv[1]);
}
