#include <algorithm>

#include "host_communicator.h"

namespace flexmig::coll {

// One round of waiting a chunk, staging one chunk ahead. N ranks, S bytes each: every rank copies S
// in and (N-1) S out.
Status HostCommunicator::AllGather(const void* send, void* receive, size_t count, DataType type) {
  FLEXMIG_RETURN_IF_ERROR(Begin({count, 0, Collective::kAllGather, type}, send, receive));
  const auto* from = static_cast<const std::byte*>(send);
  auto* to = static_cast<std::byte*>(receive);
  const size_t bytes = count * reduce::ElementBytes(type);
  const size_t chunk = segment_->geometry().slot_bytes;
  const size_t chunks = std::max<size_t>(1, (bytes + chunk - 1) / chunk);
  const uint64_t first = next_step_;
  next_step_ += chunks;
  const auto size_of = [&](size_t i) { return std::min(chunk, bytes - i * chunk); };

  for (size_t i = 0; i < chunks + 1; ++i) {
    if (i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(AwaitSlot(first + i));
      if (world_size_ > 1) CopyBytes(SlotOf(rank_, first + i), from + i * chunk, size_of(i));
      Done(kStaged, first + i);
    }
    if (i == 0) continue;
    const size_t done = i - 1;
    const uint64_t step = first + done;
    FLEXMIG_RETURN_IF_ERROR(done == 0 ? AwaitSameCall(step) : AwaitEveryone(kStaged, step));
    for (int rank = 0; rank < world_size_; ++rank) {
      const std::byte* source = rank == rank_ ? from + done * chunk : SlotOf(rank, step);
      CopyBytes(to + static_cast<size_t>(rank) * bytes + done * chunk, source, size_of(done));
    }
    Done(kFinished, step);
  }
  return OkStatus();
}

}  // namespace flexmig::coll
