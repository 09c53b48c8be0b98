#pragma once

#include <memory>

#include "flexmig/arrival/policy.h"

namespace flexmig::arrival {

std::unique_ptr<NodePolicy> MakeRandom();
std::unique_ptr<NodePolicy> MakeDotProduct(const Setting& setting);
std::unique_ptr<NodePolicy> MakeClustering(const Setting& setting);
std::unique_ptr<NodePolicy> MakePacking();
std::unique_ptr<NodePolicy> MakeBestFit(const Setting& setting);
std::unique_ptr<NodePolicy> MakeFgd(const Fragmentation& fragmentation);

}  // namespace flexmig::arrival
