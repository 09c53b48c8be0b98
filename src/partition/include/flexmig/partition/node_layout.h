#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/layout.h"
#include "flexmig/partition/observed.h"
#include "flexmig/partition/plan.h"

namespace flexmig::partition {

// What a node is cut into, place by place: what `flexmig checkpoint` saves. A mig-parted file says
// which instances there are, this says where as well, so that the MIG devices come back with their
// UUIDs. The file is docs/formats/node-layout.md.
struct SavedGpu {
  std::string place;  // in the file, for messages
  mig::GpuUuid uuid;
  std::string model;  // key of mig::GpuModel, for people: the UUID decides
  bool mig_enabled = false;
  mig::MigLayout layout;  // sorted

  friend bool operator==(const SavedGpu& a, const SavedGpu& b) {
    return a.uuid == b.uuid && a.model == b.model && a.mig_enabled == b.mig_enabled &&
           a.layout == b.layout;
  }
};

struct NodeLayout {
  std::string file;  // for messages
  std::vector<SavedGpu> gpus;
};

// GPU instances without compute instance are among the instances; brought back they get theirs.
NodeLayout SaveLayout(const std::vector<ObservedGpu>& gpus);

// As it stands in the file: ParseNodeLayout reads it back.
std::string FormatNodeLayout(const NodeLayout& layout);

// Errors: kInvalidArgument "<file>:<line>:<column>: ..." for anything that FormatNodeLayout would
// not write, but for blanks and the order of keys.
Result<NodeLayout> ParseNodeLayout(std::string_view text, std::string_view file);

// What the saved layout asks of these GPUs, in order of GPUs. GPUs that it does not know are left
// out: they stay as they are.
// Errors, with their place in the file: kNotFound for a saved GPU that is not there, unless
// `missing_ok`; kInvalidArgument if the board can never hold the instances.
Result<std::vector<DesiredGpu>> DesiredFrom(const NodeLayout& layout,
                                            const std::vector<hw::GpuStatus>& gpus,
                                            bool missing_ok);

}  // namespace flexmig::partition
