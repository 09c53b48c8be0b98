#include <algorithm>

#include "flexmig/reduce/reduce.h"

#include "host_communicator.h"

namespace flexmig::coll {

// One round of waiting a chunk, staging one chunk ahead. N ranks, S bytes of result each: every
// rank copies (N-1) S in and reduces N S. A slot holds, for each rank p, a piece of what p
// receives.
Status HostCommunicator::ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                                       ReduceOp op) {
  FLEXMIG_RETURN_IF_ERROR(Begin({count, 0, Collective::kReduceScatter, type, op}, send, receive));
  const auto* from = static_cast<const std::byte*>(send);
  auto* to = static_cast<std::byte*>(receive);
  const size_t element = reduce::ElementBytes(type);
  const auto ranks = static_cast<size_t>(world_size_);
  // World size 1 stages nothing, so its chunk needs no slot.
  const size_t lines = segment_->geometry().slot_bytes / ranks / shm::kLineBytes;
  const size_t chunk =
      world_size_ == 1 ? std::max<size_t>(1, count) : lines * shm::kLineBytes / element;
  const size_t chunks = std::max<size_t>(1, (count + chunk - 1) / chunk);
  const uint64_t first = next_step_;
  next_step_ += chunks;
  const auto size_of = [&](size_t i) { return std::min(chunk, count - i * chunk); };
  const auto sent_to = [&](int owner, size_t i) {
    return from + (static_cast<size_t>(owner) * count + i * chunk) * element;
  };
  const auto slot_for = [&](int rank, int owner, uint64_t step) {
    return SlotOf(rank, step) + static_cast<size_t>(owner) * chunk * element;
  };

  for (size_t i = 0; i < chunks + 1; ++i) {
    if (i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(AwaitSlot(first + i));
      for (int owner = 0; owner < world_size_; ++owner) {
        if (owner == rank_) continue;
        CopyBytes(slot_for(rank_, owner, first + i), sent_to(owner, i), size_of(i) * element);
      }
      Done(kStaged, first + i);
    }
    if (i == 0) continue;
    const size_t done = i - 1;
    const uint64_t step = first + done;
    FLEXMIG_RETURN_IF_ERROR(done == 0 ? AwaitSameCall(step) : AwaitEveryone(kStaged, step));
    Inputs inputs;
    for (int rank = 0; rank < world_size_; ++rank) {
      inputs[static_cast<size_t>(rank)] =
          rank == rank_ ? sent_to(rank_, done) : slot_for(rank, rank_, step);
    }
    reduce::ReduceInputs(type, op, {inputs.data(), ranks}, to + done * chunk * element,
                         size_of(done));
    Done(kFinished, step);
  }
  return OkStatus();
}

}  // namespace flexmig::coll
