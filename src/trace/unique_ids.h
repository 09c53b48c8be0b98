#pragma once

#include <string>
#include <unordered_set>

#include "flexmig/base/strings.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// The ids of the jobs read so far, for formats that bring their own.
class UniqueIds {
 public:
  // Whether `id` is new.
  bool Add(TraceJobId id) { return seen_.insert(id).second; }

  static std::string Expected(TraceJobId id) {
    return StrCat("a job id that occurs once, found '", id.value(), "' again");
  }

 private:
  std::unordered_set<TraceJobId> seen_;
};

}  // namespace flexmig::trace
