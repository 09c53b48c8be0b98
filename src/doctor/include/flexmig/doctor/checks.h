#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flexmig/doctor/system_view.h"

namespace flexmig::doctor {

enum class Level {
  kOk,
  kWarn,  // jobs run, but not all or not as well as they could
  kFail,  // no job can run
};
std::string_view LevelName(Level level);  // "ok", "warn", "fail"

struct Finding {
  std::string check;  // "driver"
  Level level = Level::kOk;
  std::string what;  // what was seen
  std::string mend;  // what to do; empty for kOk
};
using Findings = std::vector<Finding>;

// Each looks at one matter. Pure: all they know is the view. A matter that cannot be seen because
// an earlier one failed gives nothing.
Findings CheckDriver(const BoardsView& boards);
Findings CheckBoards(const BoardsView& boards);
Findings CheckMode(const BoardsView& boards);
Findings CheckLeaves(const BoardsView& boards);
Findings CheckPermissions(const SystemView& system);
Findings CheckCapabilityNodes(const SystemView& system);
Findings CheckState(const HostView& host);
Findings CheckSharedMemory(const HostView& host);
Findings CheckLockedMemory(const HostView& host);
Findings CheckTopology(const SystemView& system);
Findings CheckNccl(const HostView& host);
Findings CheckCollectives(const SystemView& system);

// All of them, in this order.
Findings Examine(const SystemView& system);

// Whether none failed.
bool IsHealthy(const Findings& findings);

}  // namespace flexmig::doctor
