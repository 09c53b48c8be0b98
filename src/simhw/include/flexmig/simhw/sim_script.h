#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/types.h"

namespace flexmig::simhw {

// The calls of a backend, as scripts name them: "list-gpus", "create-gi", ...
enum class SimOperation {
  kListGpus,
  kQueryGpu,  // what one GPU or instance is like; only the driver's ABI has such calls
  kListGpuInstances,
  kListMigDevices,
  kListProcesses,
  kSetMigMode,
  kCreateGpuInstance,
  kCreateComputeInstance,
  kDestroyComputeInstance,
  kDestroyGpuInstance,
};
inline constexpr SimOperation kAllSimOperations[] = {
    SimOperation::kListGpus,
    SimOperation::kQueryGpu,
    SimOperation::kListGpuInstances,
    SimOperation::kListMigDevices,
    SimOperation::kListProcesses,
    SimOperation::kSetMigMode,
    SimOperation::kCreateGpuInstance,
    SimOperation::kCreateComputeInstance,
    SimOperation::kDestroyComputeInstance,
    SimOperation::kDestroyGpuInstance,
};
std::string_view SimOperationName(SimOperation operation);

// What goes wrong in a call.
enum class SimFault {
  kNone,
  kBusy,          // in use for a moment: kUnavailable
  kInUse,         // by a client that no process list shows: kFailedPrecondition
  kLost,          // the GPU does not answer: kUnavailable
  kNoPermission,  // kPermissionDenied
  kNoRoom,        // kResourceExhausted
  kTimeout,       // kDeadlineExceeded
  kPretend,       // reports success and changes nothing
};

// An Xid to report: of a leaf, or of nobody in particular (hw::kNoInstance).
struct SimXid {
  int number = 0;
  mig::GpuInstanceId gpu_instance{-1};

  friend bool operator==(const SimXid&, const SimXid&) = default;
};

// One line of a script.
struct SimRule {
  enum class Kind { kDelay, kFail, kDieBefore, kDieAfter, kXid };
  Kind kind = Kind::kDelay;
  std::vector<SimOperation> operations;
  std::optional<mig::GpuIndex> gpu;  // none: any
  SimFault fault = SimFault::kNone;
  SimXid xid;
  std::chrono::milliseconds delay{0};
  std::chrono::milliseconds jitter{0};
  int64_t skip = 0;    // this many matching calls pass first
  int64_t times = -1;  // then this many are hit; -1: all
  int percent = 100;   // of those, by the script's generator
};

struct SimScript {
  uint64_t seed = 0;
  std::vector<SimRule> rules;
};

// Reads docs/formats/sim-script.md. `file` is used in messages only.
// Errors: kInvalidArgument "<file>:<line>:<column>: ...".
Result<SimScript> ParseSimScript(std::string_view text, std::string_view file);

// What a script wants of one call.
struct SimVerdict {
  std::chrono::milliseconds delay{0};  // before anything else
  bool die_before = false;             // after the delay
  SimFault fault = SimFault::kNone;    // instead of the call
  std::vector<SimXid> xids;            // reported once the call is over
  bool die_after = false;              // once the change is stored
};

// Plays a script; equal calls in equal order give equal verdicts. Counts begin with the player.
// Threading: thread-compatible.
class SimScriptPlayer {
 public:
  explicit SimScriptPlayer(SimScript script);

  // The verdict on the next call. Delays add up; of the faults the first rule that applies wins.
  // Listing the GPUs concerns no one GPU, so only rules for any GPU apply to it.
  SimVerdict Next(SimOperation operation, std::optional<mig::GpuIndex> gpu);

 private:
  const SimScript script_;
  std::vector<int64_t> matched_;  // calls that matched rule i so far
  SplitMix64 generator_;
};

}  // namespace flexmig::simhw
