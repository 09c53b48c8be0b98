#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/layout.h"
#include "flexmig/partition/plan.h"

namespace flexmig::partition {

// One entry of a configuration of NVIDIA's mig-parted.
struct MigPartedRule {
  std::string place;         // "<file>:<line>:<column>", for messages
  std::string filter_place;  // of its device-filter; empty: none
  bool all_gpus = false;
  std::vector<int> gpus;  // unless all_gpus; ascending
  bool mig_enabled = false;
  mig::ProfileCounts instances;
};

struct MigPartedFile {
  std::string file;  // for messages
  std::map<std::string, std::vector<MigPartedRule>> configs;
};

// Reads a mig-parted file of version v1. Strict: unknown and repeated keys, values of another type,
// a GPU named twice and instances with MIG off are errors. Profile names are not checked: they
// depend on the board.
// Errors: kInvalidArgument "<file>:<line>:<column>: ...".
Result<MigPartedFile> ParseMigParted(std::string_view text, std::string_view file);

// What the configuration `name` asks of these GPUs, in order of GPUs. GPUs that no entry names are
// left out: they stay as they are.
// Errors, all with their place: kNotFound for a configuration (listing the names), a GPU that is
// not there or a profile (listing the board's), kInvalidArgument if two entries name one GPU or the
// board can never hold the instances, kUnimplemented for an entry with a device-filter.
Result<std::vector<DesiredGpu>> SelectConfig(const MigPartedFile& file, std::string_view name,
                                             const std::vector<hw::GpuStatus>& gpus);

}  // namespace flexmig::partition
