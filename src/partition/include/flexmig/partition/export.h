#pragma once

#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/partition/mig_parted.h"
#include "flexmig/partition/observed.h"

namespace flexmig::partition {

// The node as it is, as one configuration of a mig-parted file called `label`, merged as
// mig-parted's `export` merges: GPUs of one layout share an entry; an entry about all GPUs of its
// boards says "all"; a device-filter stands only where boards differ and entries do, too. GPU
// instances without compute instance are left out, as they are there.
// Errors: kUnimplemented for an instance of a profile that the board's model does not list.
Result<MigPartedFile> ExportLayout(const std::vector<ObservedGpu>& gpus, std::string_view label);

}  // namespace flexmig::partition
