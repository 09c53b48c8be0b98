#include "flexmig/sweep/run.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "flexmig/base/strings.h"

namespace flexmig::sweep {
namespace {

class Sweep {
 public:
  Sweep(const std::vector<Setting>& settings, const Results& known, ResultsWriter& writer,
        const SweepWork& work)
      : writer_(writer), work_(work), total_(settings.size()) {
    for (const Setting& setting : settings) {
      if (!known.contains(setting)) open_.push_back(&setting);
    }
  }

  Status Run() {
    std::vector<std::thread> threads;
    const auto count = std::min(static_cast<size_t>(std::max(work_.threads, 1)), open_.size());
    threads.reserve(count);
    for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { Work(); });
    for (std::thread& thread : threads) thread.join();
    return status_;
  }

 private:
  void Work() {
    for (;;) {
      const Setting* setting = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (!status_.ok() || next_ == open_.size()) return;
        setting = open_[next_++];
      }
      const auto result = work_.run(*setting);
      const std::lock_guard lock(mutex_);
      if (!status_.ok()) return;
      status_ =
          result.ok()
              ? writer_.Append(*setting, *result)
              : result.status().WithContext(StrCat(setting->trace, ", ", setting->cluster, " x ",
                                                   setting->model, ", ", setting->policy));
      if (!status_.ok()) return;
      ++done_;
      if (work_.on_done && !work_.on_done(total_ - open_.size() + done_, total_)) {
        status_ = AbortedError("the sweep was ended; the same command goes on with it");
      }
    }
  }

  ResultsWriter& writer_;  // guarded by mutex_
  const SweepWork& work_;
  const size_t total_;
  std::vector<const Setting*> open_;
  std::mutex mutex_;
  size_t next_ = 0;  // guarded by mutex_
  size_t done_ = 0;  // guarded by mutex_
  Status status_;    // guarded by mutex_
};

}  // namespace

Status RunSweep(const std::vector<Setting>& settings, const Results& known, ResultsWriter& writer,
                const SweepWork& work) {
  return Sweep(settings, known, writer, work).Run();
}

}  // namespace flexmig::sweep
