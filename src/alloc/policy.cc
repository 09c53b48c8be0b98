#include "flexmig/alloc/policy.h"

#include <utility>

#include "flexmig/base/strings.h"

#include "policies.h"

namespace flexmig::alloc {

namespace {

struct NamedPolicy {
  const char* name;
  std::unique_ptr<AllocationPolicy> (*make)(const PolicyOptions& options);
};
constexpr NamedPolicy kPolicies[] = {
    {"first-fit", [](const PolicyOptions&) { return MakeFirstFit(); }},
    {"pack", [](const PolicyOptions&) { return MakePack(); }},
    {"spread", [](const PolicyOptions&) { return MakeSpread(); }},
    {"round-robin", [](const PolicyOptions&) { return MakeRoundRobin(); }},
    {"topo", [](const PolicyOptions& options) { return MakeTopo(options.weights); }},
    {"min-frag", [](const PolicyOptions& options) { return MakeMinFrag(options.mix); }},
    {"best-fit", [](const PolicyOptions&) { return MakeBestFit(); }},
    {"largest-free-run", [](const PolicyOptions&) { return MakeLargestFreeRun(); }},
};

// Scores stay exact in 64 bits by far.
Status CheckOptions(const PolicyOptions& options) {
  const TopoWeights& w = options.weights;
  constexpr int kMaxWeight = 1'000'000;
  for (const auto& [name, weight] :
       {std::pair("link", w.link), {"numa", w.numa}, {"frag", w.frag}, {"gpus", w.gpus}}) {
    if (weight < 0 || weight > kMaxWeight) {
      return InvalidArgumentError(
          StrCat("the weight of ", name, " is ", weight, ", not from 0 to ", kMaxWeight));
    }
  }
  if (!options.mix) return OkStatus();
  constexpr int64_t kMaxShare = 1'000'000'000;
  for (const RequestMix::Entry& entry : options.mix->entries) {
    if (entry.leaf_count < 1 || entry.max_gpus.value_or(1) < 1 || entry.weight < 1 ||
        entry.weight > kMaxShare) {
      return InvalidArgumentError(StrCat("a mix with ", entry.leaf_count, " leaves of weight ",
                                         entry.weight, "; both are at least 1, a weight at most ",
                                         kMaxShare));
    }
  }
  return OkStatus();
}

}  // namespace

Result<Explanation> AllocationPolicy::Explain(const AllocationRequest& request,
                                              const LeafPool& pool) const {
  Explanation explanation;
  explanation.policy = name();
  FLEXMIG_ASSIGN_OR_RETURN(explanation.chosen.allocation, Choose(request, pool));
  explanation.chosen.terms = MeasureTopo(pool, request.comm, explanation.chosen.allocation.leaves);
  explanation.chosen.score = TopoScore(explanation.chosen.terms, explanation.weights);
  return explanation;
}

const std::vector<std::string>& PolicyNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const NamedPolicy& policy : kPolicies) all.emplace_back(policy.name);
    return all;
  }();
  return names;
}

Result<std::unique_ptr<AllocationPolicy>> MakePolicy(std::string_view name,
                                                     const PolicyOptions& options) {
  FLEXMIG_RETURN_IF_ERROR(CheckOptions(options));
  for (const NamedPolicy& policy : kPolicies) {
    if (policy.name == name) return policy.make(options);
  }
  return NotFoundError(
      StrCat("no allocation policy '", name, "'; there are ", StrJoin(PolicyNames(), ", ")));
}

}  // namespace flexmig::alloc
