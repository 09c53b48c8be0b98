#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "flexmig/sim/run_observer.h"

namespace flexmig::app {

// How far a simulation has got, on one line of a terminal that is drawn over again:
//
//   flexmig  3/5  [===========>            ]  46 %  921,000 of 2,000,000 jobs, 410,000 jobs/s, 3 s
//   left
//
// Says nothing if the descriptor is not a terminal, or before half a second, so that short runs and
// redirected ones stay quiet. Removes its line when it goes.
// Threading: one owner.
class Progress final : public sim::RunObserver {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // `runs` runs of `jobs` jobs each will follow.
  Progress(int fd, size_t runs, size_t jobs, Clock clock = std::chrono::steady_clock::now);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() override;

  // The next run is of this policy.
  void Begin(std::string policy);

  Status OnFinish(sched::TimePoint now, size_t job) override;
  Status OnReject(sched::TimePoint now, size_t job) override;

 private:
  void Count();
  void Draw(std::chrono::steady_clock::time_point now);

  const int fd_;
  const bool is_terminal_;
  const size_t runs_;
  const size_t jobs_;
  const Clock clock_;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point drawn_;
  size_t run_ = 0;   // counted from 1
  size_t done_ = 0;  // jobs of all runs
  std::string policy_;
  bool has_line_ = false;
};

// The line without its end, for a terminal of `columns`: the bar takes what the text leaves, and
// what is still too long is cut. Seconds: since the beginning.
std::string ProgressLine(const std::string& policy, size_t run, size_t runs, size_t done,
                         size_t total, double seconds, int columns);

}  // namespace flexmig::app
