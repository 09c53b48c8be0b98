#include "tune.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "cpus.h"
#include "group.h"
#include "machine.h"
#include "measure.h"

namespace flexmig::perf {

namespace {

struct Algorithm {
  const char* name;  // for FLEXMIG_ALGORITHM
  bool registered;
  double AlgorithmTimes::*us;
};
constexpr Algorithm kAlgorithms[] = {
    {"small", false, &AlgorithmTimes::small_us},
    {"staged", false, &AlgorithmTimes::staged_us},
    {"pulled", false, &AlgorithmTimes::pulled_us},
    {"shared", true, &AlgorithmTimes::shared_us},
};

// Ranks are forked from this process; what they set is theirs alone.
Library Forced(const Library& ours, const char* algorithm) {
  Library forced = ours;
  forced.make_backend = [make = ours.make_backend, algorithm](const Membership& membership,
                                                              const GroupConfig& config) {
    ::unsetenv("FLEXMIG_SELECTION");
    ::setenv("FLEXMIG_ALGORITHM", algorithm, 1);
    return make(membership, config);
  };
  return forced;
}

// Keeps the shortest median of each size.
Status AddPoints(const std::vector<Point>& points, double AlgorithmTimes::*us,
                 std::vector<AlgorithmTimes>& times) {
  for (const Point& point : points) {
    if (point.wrong > 0) {
      return DataLossError(StrCat(point.wrong, " elements of ", point.bytes, " bytes are wrong"));
    }
    auto at = std::find_if(times.begin(), times.end(),
                           [&](const AlgorithmTimes& one) { return one.bytes >= point.bytes; });
    if (at == times.end() || at->bytes != point.bytes) {
      AlgorithmTimes added;
      added.bytes = point.bytes;
      at = times.insert(at, added);
    }
    (*at).*us = std::min((*at).*us, point.median_us);
  }
  return OkStatus();
}

Result<TunedCollective> MeasureCollective(const Options& options, const Library& ours,
                                          Collective collective) {
  TunedCollective tuned{std::string(CollectiveName(collective)), {}};
  GroupConfig config = options.group;
  config.collective = collective;
  config.type = options.types.front();
  for (int pass = 0; pass < options.passes; ++pass) {
    for (const Algorithm& algorithm : kAlgorithms) {
      config.registered = algorithm.registered;
      const GroupResult result =
          RunGroup(config, Forced(ours, algorithm.name), DeadlineFor(options, config));
      const std::string what = StrCat(tuned.name, ", ", algorithm.name);
      FLEXMIG_RETURN_IF_ERROR(result.status.WithContext(what));
      FLEXMIG_RETURN_IF_ERROR(
          AddPoints(result.points, algorithm.us, tuned.times).WithContext(what));
    }
  }
  return tuned;
}

bool IsCrowded(const Options& options) { return AllowedCpuCount() < options.group.ranks; }

std::string LineOf(const Options& options, const TunedCollective& tuned) {
  return SelectionLine(tuned.name, options.group.ranks, IsCrowded(options),
                       FitThresholds(tuned.times));
}

}  // namespace

std::string TunedFileText(const Options& options, const std::vector<TunedCollective>& collectives) {
  const nlohmann::json machine = DescribeMachine();
  const auto text = [&](const char* field) { return machine.value(field, "unknown"); };
  std::string file = "flexmig-selection 1\n";
  file += fmt::format(
      "# Written by hsm-perf --tune: {}, {} processors; {}; {}; Flex-MIG {}\n"
      "# {}; {} ranks, {}{}, {} passes; microseconds, the shortest of the passes' medians.\n",
      text("cpu"), AllowedCpuCount(), text("kernel"), text("compiler"), text("flexmig"),
      text("date"), options.group.ranks, reduce::DataTypeName(options.types.front()),
      options.group.fresh ? ", fresh data" : "", options.passes);
  for (const TunedCollective& tuned : collectives) {
    file += fmt::format("\n# {:>13} {:>10} {:>10} {:>10} {:>10}\n", "bytes", "small", "staged",
                        "pulled", "shared");
    for (const AlgorithmTimes& at : tuned.times) {
      file += fmt::format("# {:>13} {:>10.2f} {:>10.2f} {:>10.2f} {:>10.2f}\n", at.bytes,
                          at.small_us, at.staged_us, at.pulled_us, at.shared_us);
    }
    file += LineOf(options, tuned);
  }
  return file;
}

Status Tune(const Options& options, const Library& ours) {
  std::vector<TunedCollective> found;
  for (const Collective collective : options.collectives) {
    if (collective == Collective::kBarrier) {
      if (options.all_collectives) continue;
      return InvalidArgumentError("--tune: a barrier has one algorithm");
    }
    FLEXMIG_ASSIGN_OR_RETURN(TunedCollective tuned, MeasureCollective(options, ours, collective));
    std::fputs(LineOf(options, tuned).c_str(), stdout);
    std::fflush(stdout);
    found.push_back(std::move(tuned));
  }
  return WriteFileAtomically(options.tune_path, TunedFileText(options, found));
}

}  // namespace flexmig::perf
