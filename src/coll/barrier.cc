#include "host_communicator.h"

namespace flexmig::coll {

// One round of waiting.
Status HostCommunicator::Barrier() {
  FLEXMIG_RETURN_IF_ERROR(Begin({0, 0, Collective::kBarrier}, nullptr, nullptr));
  const uint64_t step = next_step_++;
  FLEXMIG_RETURN_IF_ERROR(AwaitSlot(step));
  Done(kStaged, step);
  FLEXMIG_RETURN_IF_ERROR(AwaitSameCall(step));
  Done(kFinished, step);
  return OkStatus();
}

}  // namespace flexmig::coll
