#pragma once

#include <memory>

#include "flexmig/alloc/policy.h"

namespace flexmig::alloc {

// One factory per file.
std::unique_ptr<AllocationPolicy> MakeFirstFit();
std::unique_ptr<AllocationPolicy> MakePack();
std::unique_ptr<AllocationPolicy> MakeSpread();

}  // namespace flexmig::alloc
