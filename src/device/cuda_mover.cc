#include "cuda_mover.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>

#include "flexmig/base/strings.h"
#include "flexmig/shm/wait.h"

namespace flexmig::device {
namespace {

// A copy of 64 KiB takes some 10 us, which a nap would double; a copy that takes longer than this
// is worth naps of 20 us.
constexpr std::chrono::microseconds kYieldTime(100);
constexpr std::chrono::microseconds kNap(20);

}  // namespace

Result<std::unique_ptr<CudaMover>> CudaMover::Create(const cuda::Driver& driver) {
  auto mover = std::unique_ptr<CudaMover>(new CudaMover(driver));
  for (Lane& lane : mover->lanes_) {
    FLEXMIG_ASSIGN_OR_RETURN(lane.stream, driver.CreateStream());
    for (cuda::Event& event : lane.events) {
      FLEXMIG_ASSIGN_OR_RETURN(event, driver.CreateEvent());
    }
  }
  return mover;
}

CudaMover::~CudaMover() {
  // The driver keeps what it still needs of a destroyed stream or event. Errors mean that it has
  // shut down.
  for (const Lane& lane : lanes_) {
    for (const cuda::Event event : lane.events) {
      if (event != cuda::Event{}) static_cast<void>(driver_.DestroyEvent(event));
    }
    if (lane.stream != cuda::Stream{}) static_cast<void>(driver_.DestroyStream(lane.stream));
  }
}

Status CudaMover::StartIn(std::byte* staging, const std::byte* buffer, size_t bytes) {
  return Start(Direction::kIn, staging, buffer, bytes);
}

Status CudaMover::StartOut(std::byte* buffer, const std::byte* staging, size_t bytes) {
  return Start(Direction::kOut, buffer, staging, bytes);
}

Status CudaMover::StartWithin(std::byte* to, const std::byte* from, size_t bytes) {
  if (to == from) return OkStatus();
  return Start(Direction::kOut, to, from, bytes);
}

Status CudaMover::Start(Direction direction, std::byte* to, const std::byte* from, size_t bytes) {
  if (bytes == 0) return OkStatus();
  Lane& lane = LaneOf(direction);
  lane.copied = true;
  return driver_.Copy(to, from, bytes, lane.stream);
}

Result<coll::Mover::Mark> CudaMover::MarkSoFar(Direction direction) {
  Lane& lane = LaneOf(direction);
  if (lane.copied) {
    const uint64_t number = lane.marks + 1;
    const size_t slot = number % kEvents;
    FLEXMIG_RETURN_IF_ERROR(driver_.Record(lane.events[slot], lane.stream));
    lane.recorded[slot] = lane.marks = number;
    lane.copied = false;
  }
  return Mark{direction, lane.marks};
}

Result<bool> CudaMover::IsDone(const Mark& mark) {
  Lane& lane = LaneOf(mark.direction);
  if (mark.number <= lane.done) return true;
  const size_t slot = mark.number % kEvents;
  FLEXMIG_ASSIGN_OR_RETURN(const bool done, driver_.IsDone(lane.events[slot]));
  if (done) lane.done = std::max(lane.done, lane.recorded[slot]);
  return done;
}

Status CudaMover::Await(Direction direction, Deadline deadline) {
  FLEXMIG_ASSIGN_OR_RETURN(const Mark mark, MarkSoFar(direction));
  const Deadline yields_end = Deadline::After(kYieldTime);
  for (;;) {
    FLEXMIG_ASSIGN_OR_RETURN(const bool done, IsDone(mark));
    if (done) return OkStatus();
    if (deadline.HasPassed()) {
      return DeadlineExceededError(StrCat("copies ", direction == Direction::kIn ? "from" : "to",
                                          " device memory did not end in time"));
    }
    if (yields_end.HasPassed()) {
      std::this_thread::sleep_for(kNap);
    } else {
      shm::YieldProcessor();
    }
  }
}

Status CudaMover::AwaitAll(Deadline deadline) {
  const Status in = Await(Direction::kIn, deadline);
  const Status out = Await(Direction::kOut, deadline);
  return in.ok() ? out : in;
}

}  // namespace flexmig::device
