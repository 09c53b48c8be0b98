#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/coll/mover.h"
#include "flexmig/shm/wait.h"

#include "engine.h"

namespace flexmig::coll {

// One row of waiting for copies, which nobody announces: spins, yields, and naps that grow with the
// wait, an eighth of it between 20 us and 1 ms. A copy of a chunk takes some 40 us; what IsDone
// asks of a driver costs about 1 us.
class CopyWait {
 public:
  explicit CopyWait(shm::WaitPolicy policy) : policy_(policy) {}

  // Passes some time.
  void Turn();
  // A turn after the spins, when these and others have taken `waited`.
  static void PassTime(Deadline::Clock::duration waited);
  // Whether the turns so far have taken `timeout`, counted from about the first one.
  [[nodiscard]] bool HasTaken(std::chrono::milliseconds timeout) const {
    return since_.has_value() && Deadline::Clock::now() - *since_ >= timeout;
  }

 private:
  const shm::WaitPolicy policy_;
  int turns_ = 0;
  bool spun_ = false;
  shm::SpinLimit limit_;
  std::optional<Deadline::Clock::time_point> since_;  // the spins
};

// The copies that one call has a Mover make, and what this rank tells the others when they are
// done:
//
//   kStaged    of a step, when the copies into this rank's slot are done,
//   kConsumed  of a step, when the copies out of all slots are: not before, or their ranks write
//              the slots again under the copies.
//
// Neither waits for its copies when they are started. Both are published as soon as this rank
// looks, which it does whenever it waits for a copy, and at the latest when the pipeline needs
// them: so copies in, copies out and reductions of different steps overlap.
//
// Errors of the mover, and copies that take longer than the engine's timeout, end the communicator.
//
// Invariants: steps are staged, and consumed, in their order; so the counters rise. Threading: one
// owner.
class Moves {
 public:
  // `in_call`: the copies are of the engine's call, to be named in errors; else of messages.
  Moves(Engine& engine, Mover& mover, bool in_call)
      : engine_(engine), mover_(mover), in_call_(in_call) {}
  ~Moves() = default;  // waits for nothing: End does
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;

  // Start a copy, if it is of any bytes. Within: nothing is copied if `to` equals `from`.
  Status In(std::byte* staging, const std::byte* buffer, size_t bytes);
  Status Out(std::byte* buffer, const std::byte* staging, size_t bytes);
  Status Within(std::byte* to, const std::byte* from, size_t bytes);

  // Waits until this rank may write its slot of `step`: its own copies out of it are done, too.
  Status AwaitSlot(uint64_t step);
  // The copies in so far make up this rank's contribution to `step`.
  Status StageWhenDone(uint64_t step) { return Append(staged_, step); }
  // The copies out so far are all that this rank reads of the slots of `step`.
  Status ConsumeWhenDone(uint64_t step) { return Append(consumed_, step); }
  // Waits until this is done and published. REQUIRES: it has been said of `step`.
  Status AwaitStaged(uint64_t step) { return Await(staged_, step); }
  Status AwaitConsumed(uint64_t step) { return Await(consumed_, step); }
  // Waits for all copies out.
  Status AwaitOuts();

  // A mark behind the copies of `direction` so far, and whether it is done: for those who keep
  // marks of their own. Errors end the communicator.
  Result<Mover::Mark> MarkSoFar(Mover::Direction direction);
  Result<bool> IsDone(const Mover::Mark& mark);
  // Ends the communicator because copies take too long.
  Status FailLate(Mover::Direction direction);

  // After an error: waits for all copies that have been started, the lesser of the timeout and 10 s
  // at most. False if they may still be under way: they have not ended, or the mover cannot tell.
  [[nodiscard]] bool End();

 private:
  struct Pending {
    uint64_t step = 0;
    Mover::Mark mark;
  };
  // The steps of which copies of one direction are under way: as many as a rank has slots.
  struct Row {
    Engine::Stage stage;
    Mover::Direction direction;
    std::array<Pending, 4> ring{};
    size_t first = 0;
    size_t size = 0;
  };

  [[nodiscard]] std::string WhatFor() const;
  // What the mover says, ending the communicator if that is an error.
  Status Check(const Status& status);
  Status Append(Row& row, uint64_t step);
  Status Await(Row& row, uint64_t step);
  // Publishes what is done.
  Status Look(Row& row);

  Engine& engine_;
  Mover& mover_;
  const bool in_call_;
  Row staged_{Engine::Stage::kStaged, Mover::Direction::kIn};
  Row consumed_{Engine::Stage::kConsumed, Mover::Direction::kOut};
  std::array<bool, 2> started_{};  // by direction: whether anything has been
};

}  // namespace flexmig::coll
