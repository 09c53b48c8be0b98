// The smallest job: every rank brings a vector, and all take its sum home.
//
//   flexmig run -n 4 -- allreduce
#include <cstdio>
#include <vector>

#include "flexmig/coll/communicator.h"

namespace {

using flexmig::Status;

Status Run() {
  FLEXMIG_ASSIGN_OR_RETURN(const auto communicator, flexmig::coll::Communicator::FromEnvironment());
  const auto rank = static_cast<size_t>(communicator->rank());
  const auto ranks = static_cast<size_t>(communicator->world_size());

  // Element i of rank r is r + 1 + i % 1000, so the sum over the ranks is known.
  std::vector<float> data(1'000'000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(rank + 1 + i % 1000);

  FLEXMIG_RETURN_IF_ERROR(communicator->AllReduce(std::span(data), flexmig::coll::ReduceOp::kSum));

  size_t wrong = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    const size_t expected = ranks * (ranks + 1) / 2 + ranks * (i % 1000);
    if (data[i] != static_cast<float>(expected)) ++wrong;
  }
  // Every rank must have the sum, not only the one that prints.
  std::vector<int64_t> wrong_of_all{static_cast<int64_t>(wrong)};
  FLEXMIG_RETURN_IF_ERROR(
      communicator->AllReduce(std::span(wrong_of_all), flexmig::coll::ReduceOp::kSum));
  if (rank == 0) {
    std::printf("sum of %zu floats over %zu ranks: %lld wrong elements, last element %.0f\n",
                data.size(), ranks, static_cast<long long>(wrong_of_all[0]),
                static_cast<double>(data.back()));
  }
  if (wrong_of_all[0] != 0) return flexmig::DataLossError("the sum is wrong");
  return flexmig::OkStatus();
}

}  // namespace

int main() {
  const Status status = Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "allreduce: %s\n", status.ToString().c_str());
  return 1;
}
