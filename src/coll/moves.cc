#include "moves.h"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "flexmig/base/strings.h"

namespace flexmig::coll {
namespace {

using Direction = Mover::Direction;

// Copies of a few MiB take milliseconds. What takes longer than this has hung with its device.
constexpr std::chrono::milliseconds kEndTime = std::chrono::seconds(10);

}  // namespace

void CopyWait::PassTime(Deadline::Clock::duration waited) {
  constexpr std::chrono::nanoseconds kLeastNap = std::chrono::microseconds(20);
  constexpr std::chrono::nanoseconds kLongestNap = std::chrono::milliseconds(1);
  constexpr int kShareOfWait = 8;
  if (waited < shm::kYieldTime) {
    shm::YieldProcessor();
  } else {
    std::this_thread::sleep_for(std::clamp(waited / kShareOfWait, kLeastNap, kLongestNap));
  }
}

void CopyWait::Turn() {
  if (!spun_ && turns_ < policy_.spins && !limit_.IsOver(turns_)) {
    ++turns_;
    shm::PauseProcessor();
    return;
  }
  spun_ = true;
  const auto now = Deadline::Clock::now();
  if (!since_.has_value()) since_ = now;
  PassTime(now - *since_);
}

std::string Moves::WhatFor() const { return in_call_ ? engine_.CurrentCall() : "messages"; }

Status Moves::Check(const Status& status) {
  if (status.ok()) return status;
  return engine_.Fail(status.WithContext(StrCat("rank ", engine_.rank(), ", ", WhatFor())));
}

Status Moves::In(std::byte* staging, const std::byte* buffer, size_t bytes) {
  if (bytes == 0) return OkStatus();
  started_[static_cast<size_t>(Direction::kIn)] = true;
  return Check(mover_.StartIn(staging, buffer, bytes));
}

Status Moves::Out(std::byte* buffer, const std::byte* staging, size_t bytes) {
  if (bytes == 0) return OkStatus();
  started_[static_cast<size_t>(Direction::kOut)] = true;
  return Check(mover_.StartOut(buffer, staging, bytes));
}

Status Moves::Within(std::byte* to, const std::byte* from, size_t bytes) {
  if (bytes == 0 || to == from) return OkStatus();
  started_[static_cast<size_t>(Direction::kOut)] = true;
  return Check(mover_.StartWithin(to, from, bytes));
}

Result<Mover::Mark> Moves::MarkSoFar(Direction direction) {
  auto mark = mover_.MarkSoFar(direction);
  if (!mark.ok()) return Check(mark.status());
  return mark;
}

Result<bool> Moves::IsDone(const Mover::Mark& mark) {
  auto done = mover_.IsDone(mark);
  if (!done.ok()) return Check(done.status());
  return done;
}

Status Moves::AwaitSlot(uint64_t step) {
  const uint64_t slots = engine_.slots_per_rank();
  if (step >= slots) FLEXMIG_RETURN_IF_ERROR(AwaitConsumed(step - slots));
  FLEXMIG_RETURN_IF_ERROR(Look(consumed_));
  FLEXMIG_RETURN_IF_ERROR(Look(staged_));
  return engine_.AwaitSlot(step);
}

Status Moves::Append(Row& row, uint64_t step) {
  if (row.size == row.ring.size()) {
    FLEXMIG_RETURN_IF_ERROR(Await(row, row.ring[row.first].step));
  }
  if (!started_[static_cast<size_t>(row.direction)]) {
    engine_.Done(row.stage, step);
    return OkStatus();
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Mover::Mark mark, MarkSoFar(row.direction));
  row.ring[(row.first + row.size) % row.ring.size()] = {step, mark};
  ++row.size;
  return OkStatus();
}

Status Moves::Look(Row& row) {
  while (row.size > 0) {
    FLEXMIG_ASSIGN_OR_RETURN(const bool done, IsDone(row.ring[row.first].mark));
    if (!done) break;
    engine_.Done(row.stage, row.ring[row.first].step);
    row.first = (row.first + 1) % row.ring.size();
    --row.size;
  }
  return OkStatus();
}

Status Moves::Await(Row& row, uint64_t step) {
  const auto is_over = [&] { return row.size == 0 || row.ring[row.first].step > step; };
  if (is_over()) return OkStatus();
  Row& other = &row == &staged_ ? consumed_ : staged_;
  CopyWait wait(engine_.wait_policy());
  for (;;) {
    FLEXMIG_RETURN_IF_ERROR(Look(row));
    if (is_over()) return OkStatus();
    // Peers may wait for that.
    FLEXMIG_RETURN_IF_ERROR(Look(other));
    FLEXMIG_RETURN_IF_ERROR(engine_.status());
    if (wait.HasTaken(engine_.timeout())) return FailLate(row.direction);
    wait.Turn();
  }
}

Status Moves::AwaitOuts() {
  if (!started_[static_cast<size_t>(Direction::kOut)]) return OkStatus();
  FLEXMIG_ASSIGN_OR_RETURN(const Mover::Mark mark, MarkSoFar(Direction::kOut));
  CopyWait wait(engine_.wait_policy());
  for (;;) {
    FLEXMIG_ASSIGN_OR_RETURN(const bool done, IsDone(mark));
    if (done) return Look(consumed_);
    FLEXMIG_RETURN_IF_ERROR(engine_.status());
    if (wait.HasTaken(engine_.timeout())) return FailLate(Direction::kOut);
    wait.Turn();
  }
}

Status Moves::FailLate(Direction direction) {
  const std::string_view copies =
      direction == Direction::kIn ? "copies into staging memory" : "copies out of staging memory";
  return engine_.Fail(DeadlineExceededError(
      StrCat(engine_.NameOf(engine_.rank()), ": ", copies, " did not end within ",
             engine_.timeout().count(), " ms, in ", engine_.CurrentCall())));
}

bool Moves::End() {
  const std::chrono::milliseconds limit = std::min(engine_.timeout(), kEndTime);
  CopyWait wait({.spins = 0});
  for (const Direction direction : {Direction::kIn, Direction::kOut}) {
    if (!started_[static_cast<size_t>(direction)]) continue;
    const auto mark = mover_.MarkSoFar(direction);
    if (!mark.ok()) return false;
    for (;;) {
      const auto done = mover_.IsDone(*mark);
      if (!done.ok()) return false;
      if (*done) break;
      if (wait.HasTaken(limit)) return false;
      wait.Turn();
    }
  }
  return true;
}

}  // namespace flexmig::coll
