// flexmig-step-job: a job of known length, for `flexmig simulate --validate`.
//
//   flexmig run -n 4 -- flexmig-step-job STEPS STEP_MICROSECONDS ELEMENTS
//
// Every step takes STEP_MICROSECONDS of computation, which is a wait here, and then all-reduces
// ELEMENTS floats between the ranks. Rank 0 prints "begin T" before the first step and "end T"
// after the last, T the monotonic clock in nanoseconds, which all processes of a machine share.
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"

namespace {

using flexmig::Status;
using Clock = std::chrono::steady_clock;

void Mark(bool speaks, const char* what, Clock::time_point time) {
  if (!speaks) return;
  std::printf(
      "%s %lld\n", what,
      static_cast<long long>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count()));
  std::fflush(stdout);
}

Status Run(int count, char** arguments) {
  if (count != 4) {
    return flexmig::InvalidArgumentError(
        "usage: flexmig-step-job STEPS STEP_MICROSECONDS ELEMENTS");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t steps, flexmig::ParseInt(arguments[1], 1, 1'000'000));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t step, flexmig::ParseInt(arguments[2], 0, 60'000'000));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t elements, flexmig::ParseInt(arguments[3], 1, 1 << 28));
  FLEXMIG_ASSIGN_OR_RETURN(const auto communicator, flexmig::coll::Communicator::FromEnvironment());
  const bool speaks = communicator->rank() == 0;
  std::vector<float> data(static_cast<size_t>(elements), 1.0f);
  FLEXMIG_RETURN_IF_ERROR(communicator->Barrier());
  Mark(speaks, "begin", Clock::now());
  for (int64_t i = 0; i < steps; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(step));
    // The average of equal values: they stay what they are over any number of steps.
    FLEXMIG_RETURN_IF_ERROR(
        communicator->AllReduce(std::span(data), flexmig::coll::ReduceOp::kAvg));
  }
  Mark(speaks, "end", Clock::now());
  if (data.back() != 1.0f) return flexmig::DataLossError("the average of ones is not one");
  return flexmig::OkStatus();
}

}  // namespace

int main(int count, char** arguments) {
  const Status status = Run(count, arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "flexmig-step-job: %s\n", status.ToString().c_str());
  return status.code() == flexmig::StatusCode::kInvalidArgument ? 2 : 1;
}
