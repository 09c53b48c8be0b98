#include <algorithm>

#include "flexmig/reduce/reduce.h"

#include "host_communicator.h"

namespace flexmig::coll {
namespace {

// N ranks, S bytes each, C bytes a slot.
//   one shot:   1 round of waiting; every rank reads (N-1) S and reduces N S.
//   by owners:  2 rounds of waiting a chunk, S / C chunks, pipelined; every rank copies S in,
//               reduces its 1/N of every chunk, S in all, and copies S out.
// One shot is quicker while the N S of reducing cost less than the second round: measured up to
// 64 KiB for 2 ranks and 16 KiB for 4.
size_t OneShotBytes(int world_size) {
  const auto ranks = static_cast<size_t>(world_size);
  return (size_t{256} << 10) / (ranks * ranks);
}

// The elements of a chunk that rank `owner` reduces. Parts begin on cache lines, so that no line is
// written by two ranks.
struct Part {
  size_t begin;
  size_t count;
};
Part PartOf(int owner, int world_size, size_t chunk, size_t element_bytes) {
  const auto ranks = static_cast<size_t>(world_size);
  const size_t line = shm::kLineBytes / element_bytes;
  const size_t share = ((chunk + ranks - 1) / ranks + line - 1) / line * line;
  const size_t begin = std::min(chunk, static_cast<size_t>(owner) * share);
  return {begin, std::min(share, chunk - begin)};
}

}  // namespace

Status HostCommunicator::AllReduce(const void* send, void* receive, size_t count, DataType type,
                                   ReduceOp op) {
  const Call call{count, 0, Collective::kAllReduce, type, op};
  FLEXMIG_RETURN_IF_ERROR(Begin(call, send, receive));
  const size_t bytes = count * reduce::ElementBytes(type);
  const size_t one_shot_bytes =
      std::min<size_t>(segment_->geometry().slot_bytes, OneShotBytes(world_size_));
  if (world_size_ == 1 || bytes <= one_shot_bytes) return AllReduceOneShot(send, receive, call);
  return AllReduceByOwners(static_cast<const std::byte*>(send), static_cast<std::byte*>(receive),
                           call);
}

Status HostCommunicator::AllReduceOneShot(const void* send, void* receive, const Call& call) {
  const uint64_t step = next_step_++;
  FLEXMIG_RETURN_IF_ERROR(AwaitSlot(step));
  if (world_size_ > 1) {
    CopyBytes(SlotOf(rank_, step), send, call.count * reduce::ElementBytes(call.type));
  }
  Done(kStaged, step);
  FLEXMIG_RETURN_IF_ERROR(AwaitSameCall(step));
  Inputs inputs;
  for (int rank = 0; rank < world_size_; ++rank) {
    inputs[static_cast<size_t>(rank)] = rank == rank_ ? send : SlotOf(rank, step);
  }
  reduce::ReduceInputs(call.type, call.op, {inputs.data(), static_cast<size_t>(world_size_)},
                       receive, call.count);
  Done(kFinished, step);
  return OkStatus();
}

Status HostCommunicator::AllReduceByOwners(const std::byte* send, std::byte* receive,
                                           const Call& call) {
  const size_t element = reduce::ElementBytes(call.type);
  const size_t chunk = segment_->geometry().slot_bytes / element;
  const size_t chunks = (call.count + chunk - 1) / chunk;
  const uint64_t first = next_step_;
  next_step_ += chunks;
  const auto size_of = [&](size_t i) { return std::min(chunk, call.count - i * chunk); };

  const auto stage = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(AwaitSlot(first + i));
    const Part own = PartOf(rank_, world_size_, size_of(i), element);
    const std::byte* from = send + i * chunk * element;
    std::byte* to = SlotOf(rank_, first + i);
    // Its own part a rank reads where it is.
    const size_t behind = own.begin + own.count;
    CopyBytes(to, from, own.begin * element);
    CopyBytes(to + behind * element, from + behind * element, (size_of(i) - behind) * element);
    Done(kStaged, first + i);
    return OkStatus();
  };
  const auto reduce = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(i == 0 ? AwaitSameCall(first) : AwaitEveryone(kStaged, first + i));
    const Part own = PartOf(rank_, world_size_, size_of(i), element);
    Inputs inputs;
    for (int rank = 0; rank < world_size_; ++rank) {
      inputs[static_cast<size_t>(rank)] = rank == rank_
                                              ? send + (i * chunk + own.begin) * element
                                              : SlotOf(rank, first + i) + own.begin * element;
    }
    reduce::ReduceInputs(call.type, call.op, {inputs.data(), static_cast<size_t>(world_size_)},
                         SlotOf(rank_, first + i) + own.begin * element, own.count);
    Done(kReduced, first + i);
    return OkStatus();
  };
  const auto collect = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(AwaitEveryone(kReduced, first + i));
    for (int owner = 0; owner < world_size_; ++owner) {
      const Part part = PartOf(owner, world_size_, size_of(i), element);
      CopyBytes(receive + (i * chunk + part.begin) * element,
                SlotOf(owner, first + i) + part.begin * element, part.count * element);
    }
    Done(kFinished, first + i);
    return OkStatus();
  };

  for (size_t i = 0; i < chunks + 2; ++i) {
    if (i < chunks) FLEXMIG_RETURN_IF_ERROR(stage(i));
    if (i >= 1 && i - 1 < chunks) FLEXMIG_RETURN_IF_ERROR(reduce(i - 1));
    if (i >= 2) FLEXMIG_RETURN_IF_ERROR(collect(i - 2));
  }
  return OkStatus();
}

}  // namespace flexmig::coll
