#pragma once

#include <string_view>

#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/types.h"

namespace flexmig::simhw {

// Ids of simulated hardware are functions of the place they name, so that they are the same in
// every process and after every restart, as on a real board. Real drivers hash the chip's and the
// device's own ids with SHA-1; the values here are other ones, only their form is the same.

// Of GPU `index` of the node with this name: "GPU-" and a version-5 UUID.
mig::GpuUuid MakeGpuUuid(std::string_view node, mig::GpuIndex index);

// Of a compute instance of the GPU instance at `placement`: "MIG-" and a version-5 UUID. The
// profile takes no part: a 1g.10gb and a 2g.10gb at 0:2 follow each other under one UUID, as they
// do on hardware.
mig::MigUuid MakeMigUuid(const mig::GpuUuid& gpu, mig::Placement placement,
                         mig::ComputeInstanceId compute_instance);

// The node of the binary tree that drivers use for GPU instance ids: 0 the whole GPU, 1-2 its
// halves, 3-6 quarters, 7-14 eighths, along the placement units. Recent drivers number 8-unit
// boards like this; for boards of 4 and 12 units it is our choice. Callers treat ids as opaque.
// REQUIRES: `placement` is legal for a profile of `model`.
mig::GpuInstanceId MakeGpuInstanceId(const mig::GpuModel& model, mig::Placement placement);

}  // namespace flexmig::simhw
