#pragma once

#include <memory>

#include "flexmig/alloc/policy.h"

namespace flexmig::alloc {

// One factory per file.
std::unique_ptr<AllocationPolicy> MakeFirstFit();
std::unique_ptr<AllocationPolicy> MakePack();
std::unique_ptr<AllocationPolicy> MakeSpread();
std::unique_ptr<AllocationPolicy> MakeRoundRobin();
std::unique_ptr<AllocationPolicy> MakeTopo(const TopoWeights& weights);
// REQUIRES: the mix is as MakePolicy asks.
std::unique_ptr<AllocationPolicy> MakeMinFrag(const std::optional<RequestMix>& mix);
std::unique_ptr<AllocationPolicy> MakeBestFit();
std::unique_ptr<AllocationPolicy> MakeLargestFreeRun();

}  // namespace flexmig::alloc
