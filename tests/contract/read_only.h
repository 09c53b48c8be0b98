#pragma once

#include "flexmig/hw/mig_backend.h"

namespace flexmig::contract {

// The part of the contract that changes nothing: what a backend lists is consistent. For boards
// that are not ours as well; listing instances may be forbidden there.
void CheckReadOnly(hw::MigBackend& backend);

}  // namespace flexmig::contract
