#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/options.h"

namespace flexmig::sched {

// What users have at once, against what they may have. Users are numbered from 0.
//
// Threading: thread-compatible. Cost: O(1) a call.
class Quotas {
 public:
  void Set(int user, const Quota& quota);

  // Whether one more job on so many leaves stays within the user's quota. `extra_jobs` on
  // `extra_leaves` are counted as if they ran.
  [[nodiscard]] bool Admits(int user, int leaves, int extra_jobs = 0, int extra_leaves = 0) const;
  // The most leaves that one more job of the user may have; 0 if it may not start at all.
  [[nodiscard]] int Room(int user) const;
  // Errors: kInvalidArgument if the quota never admits a job that needs so many leaves.
  [[nodiscard]] Status CheckPossible(int user, const Job& job) const;

  void Start(int user, int leaves);
  void End(int user, int leaves);

 private:
  struct User {
    Quota quota;
    int jobs = 0;
    int leaves = 0;
  };
  std::vector<User> users_;
};

}  // namespace flexmig::sched
