#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/layout.h"
#include "flexmig/partition/device_filter.h"
#include "flexmig/partition/plan.h"

namespace flexmig::partition {

// One entry of a configuration of NVIDIA's mig-parted.
struct MigPartedRule {
  std::string place;                        // "<file>:<line>:<column>", for messages
  std::vector<DeviceFilter> device_filter;  // empty: every board; ascending, each once
  bool all_gpus = false;
  std::vector<int> gpus;  // unless all_gpus; ascending
  bool mig_enabled = false;
  mig::ProfileCounts instances;

  // Says the same, wherever it stands.
  friend bool operator==(const MigPartedRule& a, const MigPartedRule& b) {
    return a.device_filter == b.device_filter && a.all_gpus == b.all_gpus && a.gpus == b.gpus &&
           a.mig_enabled == b.mig_enabled && a.instances == b.instances;
  }
};

struct MigPartedFile {
  std::string file;  // for messages
  std::map<std::string, std::vector<MigPartedRule>> configs;
};

// Reads a mig-parted file of version v1. Strict, as mig-parted is: unknown keys, values of another
// type, a missing mig-devices with MIG on, instances with MIG off, and counts that are all zero are
// errors; and beyond it: so are repeated keys, a GPU named twice, and a device-filter that is no
// device id. Profile names are not checked: they depend on the board.
// Errors: kInvalidArgument "<file>:<line>:<column>: ...".
Result<MigPartedFile> ParseMigParted(std::string_view text, std::string_view file);

// The configurations in the form that mig-parted writes: ParseMigParted and mig-parted read the
// same back.
std::string FormatMigParted(const MigPartedFile& file);

// What the configuration `name` asks of these GPUs, in order of GPUs; an empty name means the only
// one of the file. GPUs that no entry names are left out: they stay as they are. An entry with a
// device-filter is about the GPUs of those boards among the ones that it names.
// Errors, all with their place: kNotFound for a configuration (listing the names), a GPU that is
// not there, a profile (listing the board's), or if the entries name no GPU of the node;
// kInvalidArgument if two entries name one GPU, the board can never hold the instances, or no name
// is given and the file has several configurations.
Result<std::vector<DesiredGpu>> SelectConfig(const MigPartedFile& file, std::string_view name,
                                             const std::vector<hw::GpuStatus>& gpus);

// The name of the configuration that SelectConfig(file, name, ...) takes. Errors: as there.
Result<std::string> ConfigName(const MigPartedFile& file, std::string_view name);

}  // namespace flexmig::partition
