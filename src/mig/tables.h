#pragma once

#include <span>

#include "flexmig/mig/gpu_model.h"

namespace flexmig::mig {

std::span<const GpuModel> AmpereModels();
std::span<const GpuModel> HopperModels();
std::span<const GpuModel> BlackwellModels();

}  // namespace flexmig::mig
