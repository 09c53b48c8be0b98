// makespan-report: what sweeps have found, as parts of Markdown pages.
//
//   makespan-report summary|workloads RESULTS...      bench/makespan/run.sh calls it

#include <cstdio>
#include <string_view>

#include "flexmig/base/strings.h"

#include "runs.h"

int main(int argc, char** argv) {
  namespace makespan = flexmig::makespan;
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (argc < 3 || (what != "summary" && what != "workloads")) {
    std::fprintf(stderr, "usage: makespan-report summary|workloads RESULTS...\n");
    return 2;
  }
  flexmig::sweep::Results all;
  for (int i = 2; i < argc; ++i) {
    auto results = flexmig::sweep::ReadResults(argv[i]);
    if (!results.ok()) {
      std::fprintf(stderr, "makespan-report: %s\n", results.status().ToString().c_str());
      return 1;
    }
    all.merge(*results);
  }
  const size_t count = all.size();
  const makespan::Runs runs(std::move(all));
  const std::string text =
      what == "workloads"
          ? makespan::WorkloadSections(runs)
          : flexmig::StrCat(count, " runs over ", runs.workloads().size(), " workloads.\n\n",
                            makespan::GlanceSection(runs), "\n", makespan::AblationSection(runs));
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
}
