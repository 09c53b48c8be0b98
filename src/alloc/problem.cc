#include "problem.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::alloc {

namespace {

bool Satisfies(const mig::Profile& profile, const AllocationRequest& request) {
  return profile.compute_slices >= request.min_compute_slices &&
         profile.memory.value_or(Bytes()) >= request.min_memory;
}

int MaxGpus(const AllocationRequest& request) {
  return request.max_gpus.value_or(LeafIndex::kAnyGpus);
}

int MostNow(const LeafIndex& index, const AllocationRequest& request) {
  if (request.max_nodes == 1) return index.MostOnNode(MaxGpus(request));
  return index.MostOnNodes(request.max_nodes);
}

Status CheckNumbers(const AllocationRequest& request) {
  if (request.leaf_count < 1) {
    return InvalidArgumentError(StrCat("a job needs at least 1 leaf, not ", request.leaf_count));
  }
  if (request.max_gpus && *request.max_gpus < 1) {
    return InvalidArgumentError(StrCat("a job spans at least 1 GPU, not ", *request.max_gpus));
  }
  if (request.max_nodes < 1) {
    return InvalidArgumentError(StrCat("a job spans at least 1 node, not ", request.max_nodes));
  }
  if (request.max_gpus && request.max_nodes > 1) {
    return InvalidArgumentError(StrCat("a job on at most ", *request.max_gpus,
                                       " GPUs cannot also span ", request.max_nodes, " nodes"));
  }
  return OkStatus();
}

// Why no leaf is large enough.
Status NoLeafSuffices(const AllocationRequest& request, const LeafPool& pool) {
  Bytes most;
  int most_slices = 0;
  for (const LeafIndex& index : pool.indices()) {
    most = std::max(most, index.profile()->memory.value_or(Bytes()));
    most_slices = std::max(most_slices, index.profile()->compute_slices);
  }
  const bool memory = request.min_memory > Bytes();
  if (request.min_compute_slices == 0) {
    return InvalidArgumentError(StrCat("no leaf has ", FormatBytes(request.min_memory),
                                       "; the largest has ", FormatBytes(most)));
  }
  return InvalidArgumentError(StrCat("no leaf has ", request.min_compute_slices, " compute slices",
                                     memory ? StrCat(" and ", FormatBytes(request.min_memory)) : "",
                                     "; the most are ", most_slices,
                                     memory ? StrCat(" and ", FormatBytes(most)) : ""));
}

// Why the request does not fit: not now, or not even on the empty node.
Status WhyNot(const AllocationRequest& request, const LeafPool& pool) {
  if (pool.indices().empty()) return InvalidArgumentError("this node has no leaves");
  int now = 0;
  int whole = 0;
  for (const LeafIndex& index : pool.indices()) {
    if (!Satisfies(*index.profile(), request)) continue;
    now = std::max(now, MostNow(index, request));
    whole = std::max(whole, index.WholeCapacity(MaxGpus(request), request.max_nodes));
  }
  if (whole == 0) return NoLeafSuffices(request, pool);
  if (request.leaf_count <= whole) {
    return ResourceExhaustedError(
        StrCat(request.leaf_count, " leaves are not free together now; ", now, " are"));
  }
  const int nodes = pool.nodes().node_count();
  return InvalidArgumentError(StrCat(
      request.leaf_count, " leaves of one profile",
      request.min_compute_slices > 0
          ? StrCat(" with ", request.min_compute_slices, " compute slices")
          : "",
      request.min_memory > Bytes() ? StrCat(" with ", FormatBytes(request.min_memory)) : "",
      request.max_gpus ? StrCat(" on at most ", *request.max_gpus, " GPUs") : "", " are more than ",
      nodes == 1              ? std::string("this node has")
      : request.max_nodes > 1 ? StrCat(request.max_nodes, " nodes have")
                              : std::string("a node has"),
      "; the largest possible number is ", whole));
}

}  // namespace

void Problem::Take(GpuShare share, std::vector<mig::LeafId>& leaves) const {
  auto next = pool.FreeOf(profile, share.gpu).begin();
  for (int i = 0; i < share.count; ++i, ++next) leaves.push_back(*next);
}

void Deal(const Problem& problem, std::vector<GpuShare>& gpus) {
  for (int rest = problem.leaf_count; rest > 0;) {
    const int before = rest;
    for (GpuShare& share : gpus) {
      if (rest == 0) break;
      if (share.count == problem.index().FreeOn(share.gpu)) continue;
      ++share.count;
      --rest;
    }
    FLEXMIG_CHECK(rest < before);
  }
}

Result<Problem> PlacingPolicy::Reduce(const AllocationRequest& request, const LeafPool& pool,
                                      std::vector<mig::LeafId>& leaves) {
  FLEXMIG_RETURN_IF_ERROR(CheckNumbers(request));
  size_t profile = 0;
  while (profile < pool.indices().size() &&
         (!Satisfies(*pool.indices()[profile].profile(), request) ||
          MostNow(pool.indices()[profile], request) < request.leaf_count)) {
    ++profile;
  }
  if (profile == pool.indices().size()) return WhyNot(request, pool);
  Problem problem{pool, profile, request.leaf_count, MaxGpus(request),
                  request.comm == Comm::kHeavy && request.leaf_count > 1};
  leaves.reserve(static_cast<size_t>(request.leaf_count));
  if (problem.index().MostOnNode(problem.max_gpus) < problem.leaf_count) {
    TakeWholeNodes(problem, leaves);
  }
  return problem;
}

void PlacingPolicy::TakeWholeNodes(Problem& problem, std::vector<mig::LeafId>& leaves) {
  const LeafIndex& index = problem.index();
  std::vector<int> taken;
  int node = LeafIndex::kNone;
  for (int total = index.PreviousTotal(index.most_on_node());;) {
    node = index.NextNodeWithTotal(total, node + 1);
    if (node == LeafIndex::kNone) {
      total = index.PreviousTotal(total - 1);
      continue;
    }
    if (total >= problem.leaf_count) break;
    taken.push_back(node);
    problem.leaf_count -= total;
    for (int gpu = problem.FirstGpu(node); gpu < problem.EndGpu(node); ++gpu) {
      problem.Take({gpu, index.FreeOn(gpu)}, leaves);
    }
  }
  for (int total = index.NextTotal(problem.leaf_count);; total = index.NextTotal(total + 1)) {
    for (node = index.NextNodeWithTotal(total, 0); node != LeafIndex::kNone;
         node = index.NextNodeWithTotal(total, node + 1)) {
      if (std::find(taken.begin(), taken.end(), node) != taken.end()) continue;
      problem.node = node;
      return;
    }
  }
}

Result<Allocation> PlacingPolicy::Choose(const AllocationRequest& request,
                                         const LeafPool& pool) const {
  Allocation allocation;
  FLEXMIG_ASSIGN_OR_RETURN(const Problem problem, Reduce(request, pool, allocation.leaves));
  Place(problem, allocation.leaves);
  return allocation;
}

Result<Explanation> PlacingPolicy::Explain(const AllocationRequest& request,
                                           const LeafPool& pool) const {
  Explanation explanation;
  explanation.policy = name();
  explanation.rule = rule();
  explanation.weights = weights();
  const auto score = [&](Allocation allocation) {
    const TopoTerms terms = MeasureTopo(pool, request.comm, allocation.leaves);
    return ScoredAllocation{std::move(allocation), terms, TopoScore(terms, explanation.weights)};
  };
  Allocation whole_nodes;
  FLEXMIG_ASSIGN_OR_RETURN(const Problem problem, Reduce(request, pool, whole_nodes.leaves));
  Allocation chosen = whole_nodes;
  Place(problem, chosen.leaves);
  explanation.chosen = score(std::move(chosen));
  Allocation other = std::move(whole_nodes);
  const RunnerUp runner_up = PlaceRunnerUp(problem, other.leaves);
  explanation.by_score = runner_up != RunnerUp::kNotScored;
  if (runner_up == RunnerUp::kFound) explanation.runner_up = score(std::move(other));
  return explanation;
}

PlacingPolicy::RunnerUp PlacingPolicy::PlaceRunnerUp(const Problem& /*problem*/,
                                                     std::vector<mig::LeafId>& /*leaves*/) const {
  return RunnerUp::kNotScored;
}

}  // namespace flexmig::alloc
