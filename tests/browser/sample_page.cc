// Writes a page of a small comparison: four policies, three loads, three seeds, and names that try
// to be markup. usage: report-sample FILE

#include <cstdio>
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

int Main(const char* path) {
  const auto page = RenderHtml(Sample());
  if (!page.ok()) {
    std::fprintf(stderr, "report-sample: %s\n", page.status().message().c_str());
    return 77;  // what ctest takes for skipped
  }
  const Status status = WriteFileAtomically(path, *page);
  if (status.ok()) return 0;
  std::fprintf(stderr, "report-sample: %s\n", status.message().c_str());
  return 1;
}

}  // namespace
}  // namespace flexmig::report

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: report-sample FILE\n", stderr);
    return 2;
  }
  return flexmig::report::Main(argv[1]);
}
