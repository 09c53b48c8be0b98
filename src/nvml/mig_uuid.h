#pragma once

#include <optional>
#include <string_view>

#include "flexmig/mig/types.h"

namespace flexmig::nvml {

// The parts of a MIG device's name in the form of drivers before 470.42.01:
// "MIG-GPU-<uuid>/<gpu instance>/<compute instance>".
struct MigUuidParts {
  mig::GpuUuid gpu;
  mig::GpuInstanceId gpu_instance;
  mig::ComputeInstanceId compute_instance;

  friend bool operator==(const MigUuidParts&, const MigUuidParts&) = default;
};

// nullopt for the new form, "MIG-<uuid>", which says nothing about the place, and for anything
// else.
std::optional<MigUuidParts> ParseOldMigUuid(std::string_view uuid);
mig::MigUuid FormatOldMigUuid(const MigUuidParts& parts);

// Whether it is one of the two forms.
bool IsMigUuid(std::string_view uuid);

}  // namespace flexmig::nvml
