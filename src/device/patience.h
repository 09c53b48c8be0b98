#pragma once

#include <chrono>

#include "flexmig/base/deadline.h"
#include "flexmig/shm/wait.h"

namespace flexmig::device {

// How a worker waits between looks at a word that a GPU writes, which wakes nobody: it spins where
// the ranks have processors to spare, then yields, then naps.
//
//   spins   as the collectives (shm::WaitPolicy), where there are two processors a rank: one for
//           the program that feeds the GPU, one for the worker. An operation that follows another
//           at once, as the layers of a model do, is seen some 100 ns after its word.
//   yields  for 200 us: some rounds of other threads, and less than a sleep and wake-up cost.
//   naps    an eighth of the time waited so far, up to 50 us: at most a tenth later than needed,
//           for some 5 % of a processor. Where only graphs wait to be launched, after a second up
//           to 500 us.
//
// Threading: one owner.
class Patience {
 public:
  explicit Patience(shm::WaitPolicy policy) : policy_(policy) { Reset(); }

  // Something has happened.
  void Reset() {
    turns_ = 0;
    limit_ = shm::SpinLimit();
  }
  // One pause. False if the time of spins and yields is over; then nothing has been done.
  bool Pause();
  void Nap(bool lazily);

 private:
  const shm::WaitPolicy policy_;
  int turns_ = 0;
  shm::SpinLimit limit_;
  Deadline::Clock::time_point since_;
};

}  // namespace flexmig::device
