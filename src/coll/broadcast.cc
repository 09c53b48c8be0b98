#include <algorithm>

#include "host_communicator.h"

namespace flexmig::coll {

// One round of waiting a chunk, the root staging as far ahead as there are slots. S bytes: the root
// copies S in, every other rank S out.
Status HostCommunicator::Broadcast(const void* send, void* receive, size_t count, DataType type,
                                   int root) {
  const Call call{count, root, Collective::kBroadcast, type};
  FLEXMIG_RETURN_IF_ERROR(Begin(call, send, receive));
  const auto* from = static_cast<const std::byte*>(send);
  auto* to = static_cast<std::byte*>(receive);
  const bool is_root = rank_ == root;
  const size_t bytes = count * reduce::ElementBytes(type);
  const size_t chunk = segment_->geometry().slot_bytes;
  const size_t chunks = std::max<size_t>(1, (bytes + chunk - 1) / chunk);
  const uint64_t first = next_step_;
  next_step_ += chunks;

  for (size_t i = 0; i < chunks; ++i) {
    const uint64_t step = first + i;
    const size_t size = std::min(chunk, bytes - i * chunk);
    // Needed by the root alone; the others wait as well because then all wait for the same.
    FLEXMIG_RETURN_IF_ERROR(AwaitSlot(step));
    if (is_root && world_size_ > 1) CopyBytes(SlotOf(rank_, step), from + i * chunk, size);
    if (is_root || i == 0) Done(kStaged, step);
    if (i == 0) {
      FLEXMIG_RETURN_IF_ERROR(AwaitSameCall(step));
    } else if (!is_root) {
      FLEXMIG_RETURN_IF_ERROR(AwaitRank(root, kStaged, step));
    }
    CopyBytes(to + i * chunk, is_root ? from + i * chunk : SlotOf(root, step), size);
    Done(kFinished, step);
  }
  return OkStatus();
}

}  // namespace flexmig::coll
