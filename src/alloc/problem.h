#pragma once

#include <limits>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"

namespace flexmig::alloc {

// So many leaves of one GPU.
struct GpuShare {
  int gpu = 0;
  int count = 0;

  friend auto operator<=>(const GpuShare&, const GpuShare&) = default;
};

// A request as a policy meets it: leaves of one profile, on one node, that are there.
struct Problem {
  static constexpr int kAnyNode = -1;

  const LeafPool& pool;
  size_t profile;       // into pool.indices()
  int leaf_count;       // at least 1
  int max_gpus;         // LeafIndex::kAnyGpus if there is no rule
  bool communicates;    // whether the job loads host links
  int node = kAnyNode;  // kAnyNode: any that has the capacity, and one has

  [[nodiscard]] const LeafIndex& index() const { return pool.indices()[profile]; }
  [[nodiscard]] int FirstGpu(int of_node) const {
    return pool.nodes().first_gpu[static_cast<size_t>(of_node)];
  }
  [[nodiscard]] int EndGpu(int of_node) const { return FirstGpu(of_node + 1); }
  // Appends the lowest `share.count` free leaves of the GPU. REQUIRES: it has as many.
  void Take(GpuShare share, std::vector<mig::LeafId>& leaves) const;
};

// A policy that is asked only for what is possible: requests are checked, the profile is chosen and
// jobs wider than a node are cut into whole nodes and one problem.
//
// A job uses a further node only if it must; then the nodes with the most free leaves, whole, and
// for the rest the node with the fewest that suffice. Leaves are of the smallest profile that can
// hold the request, so that large leaves are kept for those who need them.
class PlacingPolicy : public AllocationPolicy {
 public:
  Result<Allocation> Choose(const AllocationRequest& request, const LeafPool& pool) const final;
  Result<Explanation> Explain(const AllocationRequest& request, const LeafPool& pool) const final;

 protected:
  // Appends the leaves for `problem`.
  virtual void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const = 0;
  // One line: by what rule the leaves were chosen.
  [[nodiscard]] virtual std::string_view rule() const = 0;
  [[nodiscard]] virtual TopoWeights weights() const { return {}; }

  enum class RunnerUp { kNotScored, kNone, kFound };
  // For policies that decide by a score: appends the leaves of the second best choice, if there is
  // one.
  virtual RunnerUp PlaceRunnerUp(const Problem& problem, std::vector<mig::LeafId>& leaves) const;

 private:
  // The problem that is left of the request when whole nodes have been appended to `leaves`.
  // Errors: as AllocationPolicy::Choose.
  static Result<Problem> Reduce(const AllocationRequest& request, const LeafPool& pool,
                                std::vector<mig::LeafId>& leaves);
  static void TakeWholeNodes(Problem& problem, std::vector<mig::LeafId>& leaves);
};

// As few GPUs as possible, richest first, the last one the tightest that holds the rest.
// REQUIRES: the node holds them. Used by `pack`, and by others for what they do not decide.
void PackOnNode(const Problem& problem, int node, std::vector<GpuShare>& shares);

// The node on which `pack` places the problem (pack.cc says which).
int PackingNode(const Problem& problem);

// Gives the GPUs in turn a leaf each, round after round, until all leaves are dealt; adds to their
// counts. REQUIRES: together they have as many.
void Deal(const Problem& problem, std::vector<GpuShare>& gpus);

// Cuts a list of GPUs, best first, to those that give `leaf_count` leaves on at most `max_gpus` of
// them: takes one after the other, and where they are too many gives up the one with the fewest
// leaves (the earlier of equals) for the next. `next` fills in the next GPU and its free leaves.
// REQUIRES: max_gpus of the GPUs hold the leaves.
template <typename Next>
std::vector<GpuShare> TakeUnderSpan(int leaf_count, int max_gpus, Next next) {
  std::vector<GpuShare> chosen;
  for (int held = 0; held < leaf_count;) {
    GpuShare gpu;
    next(gpu);
    chosen.push_back(gpu);
    held += gpu.count;
    if (static_cast<int>(chosen.size()) <= max_gpus) continue;
    auto poorest = chosen.begin();
    for (auto at = chosen.begin(); at != chosen.end(); ++at) {
      if (at->count < poorest->count) poorest = at;
    }
    held -= poorest->count;
    chosen.erase(poorest);
  }
  return chosen;
}

}  // namespace flexmig::alloc
