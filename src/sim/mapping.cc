#include "flexmig/sim/mapping.h"

#include <optional>

#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMaxWeight = 1'000'000;

int CeilDivide(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

int Draw(const std::vector<int64_t>& weights, SplitMix64& random) {
  int64_t total = 0;
  for (const int64_t weight : weights) total += weight;
  auto at = static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(total)));
  for (size_t slices = 1; slices < weights.size(); ++slices) {
    if (at < weights[slices]) return static_cast<int>(slices);
    at -= weights[slices];
  }
  FLEXMIG_CHECK(false);
}

Result<std::vector<int64_t>> ParseWeights(std::string_view text, int board_slices) {
  std::vector<int64_t> weights(static_cast<size_t>(board_slices) + 1);
  int64_t total = 0;
  for (const std::string_view part : StrSplit(text, '/')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return InvalidArgumentError(StrCat("'", part, "' is not slices and a weight such as 2=30"));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t slices,
                             ParseInt(part.substr(0, equals), 1, board_slices));
    FLEXMIG_ASSIGN_OR_RETURN(weights[static_cast<size_t>(slices)],
                             ParseInt(part.substr(equals + 1), 0, kMaxWeight));
  }
  for (const int64_t weight : weights) total += weight;
  if (total == 0) return InvalidArgumentError("no weight is above 0");
  return weights;
}

// For each number of compute slices that an instance can have, the least memory that comes with it.
struct MemoryStep {
  int slices = 0;
  Bytes memory;
};
std::vector<MemoryStep> MemorySteps(const mig::GpuModel& model) {
  std::vector<MemoryStep> steps;
  for (const mig::Profile& profile : model.profiles) {  // by compute slices, then memory
    if (!profile.memory) continue;
    if (steps.empty() || steps.back().slices != profile.compute_slices) {
      steps.push_back({profile.compute_slices, *profile.memory});
    } else {
      steps.back().memory = std::min(steps.back().memory, *profile.memory);
    }
  }
  return steps;
}

Result<int> SlicesForMemory(const trace::JobRecord& record, const mig::GpuModel& model) {
  const auto gib = [](Bytes memory) {
    return FormatFixed(static_cast<double>(memory.count()) / static_cast<double>(1 << 30), 2);
  };
  if (!record.memory) {
    return InvalidArgumentError(
        StrCat("mapping model-memory: the trace does not say how much memory "
               "job ",
               record.id.value(), " needs"));
  }
  const std::vector<MemoryStep> steps = MemorySteps(model);
  for (const MemoryStep& step : steps) {
    if (*record.memory <= step.memory) return step.slices;
  }
  return InvalidArgumentError(
      StrCat("mapping model-memory: job ", record.id.value(), " needs ", gib(*record.memory),
             " GiB, and no instance of ", model.product, " is known to have that",
             steps.empty() ? "" : StrCat("; the largest has ", gib(steps.back().memory))));
}

}  // namespace

Result<WorkloadJob> MapJob(const trace::JobRecord& record, const Mapping& mapping,
                           const mig::GpuModel& model, const SpeedModel& speeds,
                           SplitMix64& random) {
  WorkloadJob job;
  job.id = record.id;
  job.submit_time = record.submit_time;
  job.duration = record.duration;
  job.whole_gpus = CeilDivide(record.demand_micro_gpus, kMillion);
  job.slices = CeilDivide(record.demand_micro_gpus * model.compute_slices, kMillion);
  if (record.demand_micro_gpus >= kMillion) {
    job.reference_speed = speeds.OnGpus(record.demand_micro_gpus);
  } else {
    job.reference_speed = speeds.OnInstance(job.slices);
  }
  if (record.demand_micro_gpus != kMillion) return job;
  switch (mapping.kind) {
    case Mapping::Kind::kFraction: break;
    case Mapping::Kind::kSeededMix: job.slices = Draw(mapping.weights, random); break;
    case Mapping::Kind::kModelMemory: {
      FLEXMIG_ASSIGN_OR_RETURN(job.slices, SlicesForMemory(record, model));
      job.reference_speed = kWholeSpeed;
      break;
    }
  }
  return job;
}

Result<Mapping> Mapping::Parse(std::string_view text, const mig::GpuModel& model, uint64_t seed) {
  constexpr std::string_view kMix = "seeded-mix:";
  Mapping mapping;
  mapping.seed = seed;
  if (text == "fraction") return mapping;
  if (text == "model-memory") {
    mapping.kind = Kind::kModelMemory;
    return mapping;
  }
  if (!text.starts_with(kMix)) {
    return NotFoundError(StrCat("no mapping '", text,
                                "'; there are fraction, seeded-mix:<slices>=<weight>/..., "
                                "model-memory"));
  }
  mapping.kind = Kind::kSeededMix;
  auto weights = ParseWeights(text.substr(kMix.size()), model.compute_slices);
  if (!weights.ok()) return weights.status().WithContext(StrCat("mapping '", text, "'"));
  mapping.weights = *std::move(weights);
  return mapping;
}

std::string Mapping::Describe(const mig::GpuModel& model) const {
  const std::string rounding =
      StrCat("ceil(", model.compute_slices,
             " x gpu_demand) slices, duration_s on those slices (on GPUs with MIG off from 1 GPU)");
  if (kind == Kind::kFraction) return StrCat("fraction: ", rounding);
  if (kind == Kind::kModelMemory) {
    return StrCat(
        "model-memory: a job of exactly 1 GPU asks for the slices of the smallest instance "
        "that holds its memory, duration_s on the whole-GPU instance; others ",
        rounding);
  }
  std::vector<std::string> parts;
  for (size_t slices = 1; slices < weights.size(); ++slices) {
    if (weights[slices] > 0) parts.push_back(StrCat(slices, "=", weights[slices]));
  }
  return StrCat("seeded-mix: a job of exactly 1 GPU asks for slices drawn by weight ",
                StrJoin(parts, "/"), " (seed ", seed,
                "), duration_s on a GPU with MIG off; others ", rounding);
}

}  // namespace flexmig::sim
