// What the collectives can do, in the order of docs/reference/collectives.md, which quotes from
// here. Rank 0 prints what it finds.
//
//   flexmig run -n 2 --no-prefix -- collectives-tour
#include <cstdio>
#include <string>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"

namespace {

using flexmig::OkStatus;
using flexmig::Status;
using flexmig::StatusCode;
using flexmig::StatusCodeName;
using flexmig::StrCat;
using flexmig::coll::Communicator;
using flexmig::coll::DataType;
using flexmig::coll::ReduceOp;
using flexmig::coll::Reduction;
using flexmig::coll::Transfer;

void Say(const Communicator& world, const std::string& text) {
  if (world.rank() == 0) std::printf("%s\n", text.c_str());
}

// "1 2 3"
template <typename T>
std::string Text(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += StrCat(text.empty() ? "" : " ", value);
  return text;
}

Status Reduce(Communicator& world) {
  // Rank 0 has 1 2 3, rank 1 has 2 4 6.
  std::vector<int32_t> values;
  for (int32_t i = 1; i <= 3; ++i) values.push_back((world.rank() + 1) * i);

  FLEXMIG_RETURN_IF_ERROR(world.AllReduce(std::span(values), ReduceOp::kSum));
  Say(world, StrCat("all-reduce: ", Text(values)));

  // Each rank's own factor, of the type of the elements.
  const Reduction weighted = Reduction::PreMulSum<int32_t>(world.rank() + 1);
  int32_t one = 10;
  int32_t sum = 0;
  FLEXMIG_RETURN_IF_ERROR(world.AllReduce(&one, &sum, 1, DataType::kInt32, weighted));
  Say(world, StrCat("all-reduce, weighted: ", sum));
  return OkStatus();
}

Status Gather(Communicator& world) {
  const auto ranks = static_cast<size_t>(world.world_size());
  const auto rank = static_cast<size_t>(world.rank());

  // In place: this rank's part is already where it belongs.
  std::vector<int32_t> all(2 * ranks);
  all[2 * rank] = 10 * world.rank();
  all[2 * rank + 1] = 10 * world.rank() + 1;
  FLEXMIG_RETURN_IF_ERROR(world.AllGather(&all[2 * rank], all.data(), 2, DataType::kInt32));
  Say(world, StrCat("all-gather: ", Text(all)));
  return OkStatus();
}

Status UseSharedMemory(Communicator& world) {
  constexpr size_t kCount = 1'000'000;

  FLEXMIG_ASSIGN_OR_RETURN(const auto memory, world.AllocateShared(kCount * sizeof(float)));
  const std::span<float> gradients(reinterpret_cast<float*>(memory.data()), kCount);
  for (size_t i = 0; i < kCount; ++i) gradients[i] = static_cast<float>(world.rank());
  FLEXMIG_RETURN_IF_ERROR(world.AllReduce(gradients, ReduceOp::kAvg));

  Say(world, StrCat("shared memory: ", kCount, " floats, the last is ",
                    gradients.back() == 0.5F ? "1/2" : "wrong"));
  return world.FreeShared(memory);
}

Status PassAround(Communicator& world) {
  // To the right and from the left, at once: no order of sends and receives can deadlock.
  const int ranks = world.world_size();
  const int right = (world.rank() + 1) % ranks;
  const int left = (world.rank() + ranks - 1) % ranks;
  const int32_t own = 100 + world.rank();
  int32_t theirs = 0;
  const Transfer transfers[] = {Transfer::Send(&own, 1, DataType::kInt32, right),
                                Transfer::Receive(&theirs, 1, DataType::kInt32, left)};
  FLEXMIG_RETURN_IF_ERROR(world.Exchange(transfers));

  Say(world, StrCat("exchange: ", theirs, " from rank ", left));
  return OkStatus();
}

Status SplitUp(Communicator& world) {
  // Even and odd ranks on their own; within each, in the order of this communicator.
  FLEXMIG_ASSIGN_OR_RETURN(const auto half, world.Split(world.rank() % 2, world.rank()));
  FLEXMIG_RETURN_IF_ERROR(half->Barrier());

  Say(world, StrCat("split: rank ", half->rank(), " of ", half->world_size()));
  return OkStatus();
}

Status Fail(Communicator& world) {
  const int leaving = world.world_size() - 1;
  if (world.rank() == leaving) {
    world.Abort("enough seen");
    return OkStatus();
  }

  const Status status = world.Barrier();
  if (status.code() != StatusCode::kAborted) return status;
  // This communicator stays dead. Those who are left make another one; all name the same ranks.
  FLEXMIG_ASSIGN_OR_RETURN(const auto rest, world.Shrink({&leaving, 1}));
  FLEXMIG_RETURN_IF_ERROR(rest->Barrier());

  Say(*rest, StrCat("barrier: ", StatusCodeName(status.code()), ": ", status.message()));
  Say(*rest, StrCat("shrink: ", rest->world_size(), " of ", world.world_size(), " ranks go on"));
  return OkStatus();
}

Status Run() {
  FLEXMIG_ASSIGN_OR_RETURN(const auto world, Communicator::FromEnvironment());
  Say(*world, StrCat("rank ", world->rank(), " of ", world->world_size()));
  for (const auto& stop : {Reduce, Gather, UseSharedMemory, PassAround, SplitUp, Fail}) {
    FLEXMIG_RETURN_IF_ERROR(stop(*world));
  }
  return OkStatus();
}

}  // namespace

int main() {
  const Status status = Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "collectives-tour: %s\n", status.ToString().c_str());
  return 1;
}
