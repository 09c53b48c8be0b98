#pragma once

#include <utility>
#include <vector>

#include "problem.h"

namespace flexmig::alloc {

// Which leaf a policy would take of a GPU, and how gladly.
struct PatternChoice {
  std::pair<int, int> cost;  // smaller first
  int leaf;                  // position on the GPU
};
// REQUIRES: taking.lowest != PatternIndex::kNone.
using ChooseInPattern = PatternChoice (*)(const PatternIndex::Pattern& pattern,
                                          const PatternIndex::Taking& taking);

// Takes leaf by leaf where `choose` says the least cost, of equals from the lowest GPU. GPUs of one
// pattern cost the same, so only the lowest of each is looked at. A job of several leaves goes to
// the node with the fewest free leaves that can hold it. Where the GPUs so chosen turn out to be
// more than the span rule allows, only those that `pack` would use take part.
// Cost: O(n (patterns + n)) for n leaves.
void PlaceByPattern(const Problem& problem, ChooseInPattern choose,
                    std::vector<mig::LeafId>& leaves);

}  // namespace flexmig::alloc
