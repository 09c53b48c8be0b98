#pragma once

#include <string>
#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"

#include "board.h"
#include "library.h"

namespace flexmig::perf {

// What became of a group of ranks.
struct GroupResult {
  Status status;              // why it ended early, if it did
  std::string version;        // the library's, once it is known
  std::vector<Point> points;  // also those from before a failure
};

// Starts config.ranks processes of `library` that measure what `config` says, and waits for their
// end. At the first rank that fails or dies, and at the deadline, all are killed with their
// children; a rank also ends when this process does.
// Status: the first failing rank's error; kAborted naming a rank that a signal ended;
// kDeadlineExceeded. REQUIRES: no thread of this process other than the caller's.
[[nodiscard]] GroupResult RunGroup(const GroupConfig& config, const Library& library,
                                   Deadline deadline);

}  // namespace flexmig::perf
