#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "flexmig/arrival/cluster.h"
#include "flexmig/arrival/fragmentation.h"
#include "flexmig/arrival/policy.h"
#include "flexmig/base/random.h"
#include "flexmig/base/status.h"

namespace flexmig::arrival {

struct ExperimentOptions {
  uint64_t seed = 42;
  // GPUs that all arriving pods want together, as a share of those of the cluster.
  double demand = 1.3;
};

// Means over the arrivals at which the demand arrived so far, rounded to whole per cent of the
// cluster's GPUs, was the same.
struct CurvePoint {
  int64_t arrivals = 0;
  double allocated_percent = 0;   // GPUs given to pods, of all
  double fragmented_percent = 0;  // fragmented GPUs (see Fragmentation), of the idle ones
};

struct Outcome {
  int64_t pods = 0;
  int64_t placed = 0;
  std::vector<CurvePoint> curve;  // [p] for p per cent of demand; no arrivals where none fell on it
};

// Which pods arrive, as indices into setting.demands: the whole list in random order, then pods
// drawn from it with replacement, until the next would exceed `demand` times the GPUs of the
// cluster.
std::vector<int> ArrivalOrder(const Setting& setting, double demand, SplitMix64& random);

// Lets them arrive at the nodes, put into an order drawn by the seed; a pod that fits nowhere is
// turned away for good. Equal inputs give equal outcomes. Errors: kInvalidArgument for a demand
// that is not from 0.01 to 10. Cost: see ScoreIndex; 1,213 nodes and 10,800 pods of 151 demands
// take 30 ms on one core.
Result<Outcome> RunExperiment(const Setting& setting, const NodePolicy& policy,
                              const Fragmentation& fragmentation, const ExperimentOptions& options);

}  // namespace flexmig::arrival
