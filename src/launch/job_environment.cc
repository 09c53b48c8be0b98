#include "flexmig/launch/job_environment.h"

#include <algorithm>
#include <set>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

namespace flexmig::launch {

namespace {

// More ranks than any node has leaves: 32 GPUs x 8 instances, the limit of the driver's minor
// table.
constexpr int kMaxWorldSize = 256;

Status CheckSegment(std::string_view segment) {
  const bool hex = std::all_of(segment.begin(), segment.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (segment.size() != 32 || !hex) {
    return InvalidArgumentError(
        StrCat("FLEXMIG_SEGMENT: '", segment, "' is not 32 lower-case hex digits"));
  }
  return OkStatus();
}

Result<std::vector<RankLeaf>> ParseLeaves(std::string_view text) {
  std::vector<RankLeaf> leaves;
  std::set<std::string_view> seen;
  for (const std::string_view item : StrSplit(text, ',')) {
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos || colon + 1 == item.size()) {
      return InvalidArgumentError(StrCat("FLEXMIG_LEAVES: '", item, "' is not <gpu>:<mig uuid>"));
    }
    const auto gpu = ParseInt(item.substr(0, colon), 0, 1023);
    if (!gpu.ok()) return gpu.status().WithContext("FLEXMIG_LEAVES");
    const std::string_view uuid = item.substr(colon + 1);
    if (!seen.insert(uuid).second) {
      return InvalidArgumentError(StrCat("FLEXMIG_LEAVES: ", uuid, " stands in it twice"));
    }
    leaves.push_back({std::string(uuid), static_cast<int>(*gpu)});
  }
  return leaves;
}

// A required whole number.
Result<int> ReadInt(const VariableLookup& lookup, const char* name, int min, int max) {
  const auto text = lookup(name);
  if (!text) return InvalidArgumentError(StrCat(name, " is not set, but FLEXMIG_SEGMENT is"));
  const auto value = ParseInt(*text, min, max);
  if (!value.ok()) return value.status().WithContext(name);
  return static_cast<int>(*value);
}

}  // namespace

std::map<std::string, std::string> ToVariables(const JobEnvironment& job) {
  FLEXMIG_CHECK(job.world_size >= 1 && job.world_size <= kMaxWorldSize);
  FLEXMIG_CHECK(job.leaves.size() == static_cast<size_t>(job.world_size));
  FLEXMIG_CHECK(job.rank.value() >= 0 && job.rank.value() < job.world_size);
  std::vector<std::string> leaves;
  leaves.reserve(job.leaves.size());
  for (const RankLeaf& leaf : job.leaves) leaves.push_back(StrCat(leaf.gpu, ":", leaf.mig_uuid));
  const std::string rank = StrCat(job.rank.value());
  const std::string world_size = StrCat(job.world_size);
  return {
      {"RANK", rank},
      {"WORLD_SIZE", world_size},
      {"LOCAL_RANK", rank},
      {"LOCAL_WORLD_SIZE", world_size},
      {"GROUP_RANK", "0"},
      {"MASTER_ADDR", job.master_address},
      {"MASTER_PORT", StrCat(job.master_port)},
      {"CUDA_VISIBLE_DEVICES", job.leaves[static_cast<size_t>(job.rank.value())].mig_uuid},
      {"FLEXMIG_JOB_ID", job.job_id.value()},
      {"FLEXMIG_SEGMENT", job.segment},
      {"FLEXMIG_LEAVES", StrJoin(leaves, ",")},
  };
}

Result<JobEnvironment> FromVariables(const VariableLookup& lookup) {
  JobEnvironment job;
  const auto segment = lookup("FLEXMIG_SEGMENT");
  if (!segment) {
    return NotFoundError("FLEXMIG_SEGMENT is not set: not started by `flexmig run`");
  }
  FLEXMIG_RETURN_IF_ERROR(CheckSegment(*segment));
  job.segment = *segment;
  job.job_id = JobId(lookup("FLEXMIG_JOB_ID").value_or(""));
  job.master_address = lookup("MASTER_ADDR").value_or("");
  FLEXMIG_ASSIGN_OR_RETURN(job.master_port, ReadInt(lookup, "MASTER_PORT", 0, 65535));
  FLEXMIG_ASSIGN_OR_RETURN(job.world_size, ReadInt(lookup, "WORLD_SIZE", 1, kMaxWorldSize));
  FLEXMIG_ASSIGN_OR_RETURN(const int rank, ReadInt(lookup, "RANK", 0, job.world_size - 1));
  job.rank = Rank(rank);
  FLEXMIG_ASSIGN_OR_RETURN(job.leaves, ParseLeaves(lookup("FLEXMIG_LEAVES").value_or("")));
  if (job.leaves.size() != static_cast<size_t>(job.world_size)) {
    return InvalidArgumentError(StrCat("FLEXMIG_LEAVES names ", job.leaves.size(),
                                       " leaves, but WORLD_SIZE is ", job.world_size));
  }
  return job;
}

Result<JobEnvironment> FromProcessEnvironment() {
  return FromVariables([](const char* name) { return GetEnv(name); });
}

}  // namespace flexmig::launch
