#include <exception>
#include <new>
#include <thread>
#include <utility>

#include "flexmig/base/thread.h"

#include "group.h"
#include "handles.h"

namespace flexmig::nccl {
namespace {

// Blocks. Afterwards nothing is left of a blocking job that failed but its error.
Status Run(CommJob& job) {
  Result<MadeTransport> made = InternalError("not run");
  try {
    made = job.make();
  } catch (const std::bad_alloc&) {
    made = ResourceExhaustedError("no memory for a communicator");
  } catch (const std::exception& error) {
    made = InternalError(error.what());
  } catch (...) {
    made = InternalError("an unknown exception");
  }
  const Status status = made.status();
  if (job.comm != nullptr) job.comm->EndInit(std::move(made));
  if (job.parent != nullptr) {
    // A failed split is the child's error; without a child it is the parent's.
    const bool tells_parent = job.comm == nullptr && !job.blocking;
    job.parent->EndJob(tells_parent ? status : OkStatus());
  }
  if (!status.ok() && job.blocking && job.comm != nullptr) {
    static_cast<void>(Handles::Get().Remove(job.handle));
    *job.out = NCCL_COMM_NULL;
  }
  return status;
}

Result<std::thread> StartJobThread(std::function<void()> work) {
  return StartThread(/*name=*/nullptr, "no thread can be started", std::move(work));
}

}  // namespace

Status RunInBackground(std::function<void()> work) {
  FLEXMIG_ASSIGN_OR_RETURN(std::thread thread, StartJobThread(std::move(work)));
  thread.detach();
  return OkStatus();
}

Result<ncclResult_t> RunJobs(std::vector<CommJob> jobs) {
  // One job, the usual case, needs no thread of its own.
  if (jobs.size() == 1 && jobs.front().blocking) {
    FLEXMIG_RETURN_IF_ERROR(Run(jobs.front()));
    return ncclSuccess;
  }
  ncclResult_t result = ncclSuccess;
  std::vector<Status> ended(jobs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < jobs.size(); ++i) {
    CommJob& job = jobs[i];
    if (job.blocking) {
      auto thread = StartJobThread([&job, &status = ended[i]] { status = Run(job); });
      if (thread.ok()) {
        threads.push_back(*std::move(thread));
        continue;
      }
      job.make = [why = thread.status()]() -> Result<MadeTransport> { return why; };
      ended[i] = Run(job);
      continue;
    }
    const auto own = std::make_shared<CommJob>(job);
    const Status started = RunInBackground([own] { static_cast<void>(Run(*own)); });
    if (started.ok()) {
      result = ncclInProgress;
    } else {
      job.make = [&started]() -> Result<MadeTransport> { return started; };
      ended[i] = Run(job);
    }
  }
  for (std::thread& thread : threads) thread.join();
  for (const Status& status : ended) FLEXMIG_RETURN_IF_ERROR(status);
  return result;
}

}  // namespace flexmig::nccl
