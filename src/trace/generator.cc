#include "flexmig/trace/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "flexmig/base/strings.h"
#include "flexmig/trace/duration_text.h"

#include "decimal.h"
#include "portable_math.h"

namespace flexmig::trace {

namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMaxJobs = 100'000'000;
constexpr int64_t kMaxWeight = 1'000'000;
constexpr double kMaxSigma = 5;
constexpr sched::Duration kMost = std::chrono::seconds(kMaxSeconds);

Result<std::vector<SizeWeight>> ParseSizes(std::string_view text) {
  if (text == "openb") return OpenbSizes();
  if (text == "openb-shared") return OpenbSharedSizes();
  std::vector<SizeWeight> sizes;
  for (const std::string_view part : StrSplit(text, '/')) {
    const size_t colon = part.find(':');
    const auto size = ParseMillionths(part.substr(0, colon), kMaxGpus);
    if (colon == std::string_view::npos || !size || *size == 0) {
      return InvalidArgumentError(
          StrCat("'", part, "' is not openb, openb-shared or a size and weight such as 0.28:4"));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t weight, ParseInt(part.substr(colon + 1), 0, kMaxWeight));
    sizes.push_back({*size, weight});
  }
  return sizes;
}

Status SetPart(std::string_view key, std::string_view value, GeneratorOptions& options) {
  if (key == "jobs") {
    FLEXMIG_ASSIGN_OR_RETURN(options.jobs, ParseInt(value, 1, kMaxJobs));
  } else if (key == "seed") {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t seed,
                             ParseInt(value, 0, std::numeric_limits<int64_t>::max()));
    options.seed = static_cast<uint64_t>(seed);
  } else if (key == "gap") {
    FLEXMIG_ASSIGN_OR_RETURN(options.mean_gap, ParseDuration(value));
  } else if (key == "median") {
    FLEXMIG_ASSIGN_OR_RETURN(options.median, ParseDuration(value));
  } else if (key == "sigma") {
    FLEXMIG_ASSIGN_OR_RETURN(options.sigma, ParseDouble(value, 0, kMaxSigma));
  } else if (key == "sizes") {
    FLEXMIG_ASSIGN_OR_RETURN(options.sizes, ParseSizes(value));
  } else {
    return InvalidArgumentError(
        StrCat("'", key, "' is not one of jobs, seed, gap, median, sigma, sizes"));
  }
  return OkStatus();
}

int64_t TotalWeight(const std::vector<SizeWeight>& sizes) {
  int64_t total = 0;
  for (const SizeWeight& size : sizes) total += size.weight;
  return total;
}

Status Check(const GeneratorOptions& options) {
  if (options.jobs < 1 || options.jobs > kMaxJobs) {
    return InvalidArgumentError(StrCat(options.jobs, " jobs are not from 1 to ", kMaxJobs));
  }
  if (options.mean_gap < sched::Duration(0) || options.mean_gap > kMost) {
    return InvalidArgumentError("the mean gap is not from 0 s to 10^9 s");
  }
  if (options.median < std::chrono::seconds(1) || options.median > kMost) {
    return InvalidArgumentError("the median duration is not from 1 s to 10^9 s");
  }
  if (!(options.sigma >= 0 && options.sigma <= kMaxSigma)) {
    return InvalidArgumentError(StrCat("sigma ", options.sigma, " is not from 0 to ", kMaxSigma));
  }
  for (const SizeWeight& size : options.sizes) {
    if (size.demand_micro_gpus < 1 || size.demand_micro_gpus > kMaxGpus * kMillion ||
        size.weight < 0 || size.weight > kMaxWeight) {
      return InvalidArgumentError("a size or its weight is out of range");
    }
  }
  if (TotalWeight(options.sizes) == 0) return InvalidArgumentError("no size has a weight above 0");
  return OkStatus();
}

int64_t DrawSize(const std::vector<SizeWeight>& sizes, int64_t total_weight, SplitMix64& random) {
  auto at = static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(total_weight)));
  for (const SizeWeight& size : sizes) {
    if (at < size.weight) return size.demand_micro_gpus;
    at -= size.weight;
  }
  FLEXMIG_CHECK(false);
}

}  // namespace

std::vector<SizeWeight> OpenbSizes() {
  return {{140'000, 1}, {280'000, 4},  {420'000, 6},   {570'000, 11},
          {710'000, 5}, {850'000, 16}, {1'000'000, 57}};
}

std::vector<SizeWeight> OpenbSharedSizes() {
  return {{140'000, 1}, {280'000, 9}, {420'000, 15}, {570'000, 26}, {710'000, 11}, {850'000, 38}};
}

Result<GeneratorOptions> ParseGeneratorOptions(std::string_view text) {
  GeneratorOptions options;
  std::vector<std::string_view> seen;
  for (const std::string_view part : StrSplit(text, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return InvalidArgumentError(
          StrCat("'", part, "' is not a part such as jobs=200 of '", text, "'"));
    }
    const std::string_view key = part.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return InvalidArgumentError(StrCat("'", key, "' occurs twice in '", text, "'"));
    }
    seen.push_back(key);
    const Status status = SetPart(key, part.substr(equals + 1), options);
    if (!status.ok()) return status.WithContext(StrCat("generator option '", part, "'"));
  }
  FLEXMIG_RETURN_IF_ERROR(Check(options));
  return options;
}

std::string DescribeGeneratorOptions(const GeneratorOptions& options) {
  std::vector<std::string> sizes;
  for (const SizeWeight& size : options.sizes) {
    sizes.push_back(StrCat(FormatMillionths(size.demand_micro_gpus), ":", size.weight));
  }
  return StrCat("jobs=", options.jobs, ",seed=", options.seed,
                ",gap=", FormatDuration(options.mean_gap),
                ",median=", FormatDuration(options.median), ",sigma=", options.sigma,
                ",sizes=", StrJoin(sizes, "/"));
}

Result<std::vector<JobRecord>> Generate(const GeneratorOptions& options) {
  FLEXMIG_RETURN_IF_ERROR(Check(options));
  const int64_t total_weight = TotalWeight(options.sizes);
  SplitMix64 random(options.seed);
  std::vector<JobRecord> records(static_cast<size_t>(options.jobs));
  sched::TimePoint submit;
  int64_t id = 0;
  for (JobRecord& record : records) {
    // Always three draws in this order, so that changing one option leaves the others' draws.
    const double gap = NextExponential(random) * static_cast<double>(options.mean_gap.count());
    const double factor = Exp(options.sigma * NextNormal(random));
    record.demand_micro_gpus = DrawSize(options.sizes, total_weight, random);
    if (id > 0) submit += sched::Duration(std::llround(gap));
    if (submit.time_since_epoch() > kMost) {
      return InvalidArgumentError(StrCat("job ", id + 1, " would come later than ", kMaxSeconds,
                                         " s, the most that a trace can say; lower the mean gap"));
    }
    record.id = TraceJobId(++id);
    record.submit_time = submit;
    const double micros = factor * static_cast<double>(options.median.count());
    record.duration = sched::Duration(std::llround(
        std::clamp(micros, double{kMillion}, static_cast<double>(kMaxSeconds * kMillion))));
    record.num_gpus = static_cast<int>((record.demand_micro_gpus + kMillion - 1) / kMillion);
  }
  return records;
}

}  // namespace flexmig::trace
