#include "waiting.h"

#include <sched.h>

namespace flexmig::nccl_perf {

Status WaitForStream(const cuda::Driver& driver, cuda::Stream stream, cuda::Event event) {
  FLEXMIG_RETURN_IF_ERROR(driver.Record(event, stream));
  const Deadline deadline = Deadline::After(kPatience);
  while (true) {
    // Looked at a few times between two looks at the clock, each of which costs as much.
    for (int i = 0; i < 16; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(const bool done, driver.IsDone(event));
      if (done) return OkStatus();
    }
    if (deadline.HasPassed()) {
      return DeadlineExceededError("an operation did not end within 60 s");
    }
    ::sched_yield();  // ranks may be more than processors
  }
}

}  // namespace flexmig::nccl_perf
