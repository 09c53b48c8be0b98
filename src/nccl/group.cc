#include "group.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/strings.h"

namespace flexmig::nccl {

Group& Group::OfThisThread() {
  thread_local Group group;
  return group;
}

void Group::Fail(const Status& status) {
  if (is_open() && failed_.ok()) failed_ = status;
}

Status Group::Add(GroupedOperation operation) {
  if (!is_open()) {
    std::vector<GroupedOperation> one;
    one.push_back(std::move(operation));
    return Submit(std::move(one));
  }
  operations_.push_back(std::move(operation));
  return OkStatus();
}

Result<ncclResult_t> Group::Add(CommJob job) {
  std::vector<CommJob> one;
  std::vector<CommJob>& jobs = is_open() ? jobs_ : one;
  jobs.push_back(std::move(job));
  if (!is_open()) return RunJobs(std::move(one));
  return ncclSuccess;
}

Result<ncclResult_t> Group::End() {
  if (!is_open()) return FailedPreconditionError("ncclGroupEnd without ncclGroupStart");
  if (--depth_ > 0) return ncclSuccess;
  const Status failed = std::exchange(failed_, OkStatus());
  std::vector<GroupedOperation> operations = std::exchange(operations_, {});
  std::vector<CommJob> jobs = std::exchange(jobs_, {});
  if (!failed.ok()) {
    for (CommJob& job : jobs) {
      job.make = [&failed]() -> Result<MadeTransport> { return failed; };
      job.blocking = true;
    }
    static_cast<void>(RunJobs(std::move(jobs)));
    return failed.WithContext("a call of this group failed, so nothing of it was done");
  }
  ncclResult_t result = ncclSuccess;
  if (!jobs.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(result, RunJobs(std::move(jobs)));
  }
  if (!operations.empty()) FLEXMIG_RETURN_IF_ERROR(Submit(std::move(operations)));
  return result;
}

Status Group::Drop() {
  if (!is_open()) return FailedPreconditionError("ncclGroupSimulateEnd without ncclGroupStart");
  if (--depth_ > 0) return OkStatus();
  failed_ = OkStatus();
  operations_.clear();
  for (CommJob& job : jobs_) {
    job.make = []() -> Result<MadeTransport> {
      return AbortedError("the group was only simulated");
    };
    job.blocking = true;
  }
  static_cast<void>(RunJobs(std::exchange(jobs_, {})));
  return OkStatus();
}

}  // namespace flexmig::nccl
