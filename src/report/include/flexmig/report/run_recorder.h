#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "flexmig/mig/gpu_model.h"
#include "flexmig/report/atomic_file.h"
#include "flexmig/report/fragmentation_meter.h"
#include "flexmig/report/report_data.h"
#include "flexmig/report/step_series.h"
#include "flexmig/report/window_series.h"
#include "flexmig/sim/run_observer.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/workload.h"

namespace flexmig::report {

struct RecorderOptions {
  size_t timeseries_rows = 20'000;  // of one run; at least StepSeries::kMinLimit
  size_t windows = 480;             // of a run's charts: about one a pixel of a page's width
  // What the slice-level Gantt chart shows: these GPUs from `gantt_from` after the first submission
  // on, for as many pieces as `gantt_pieces`.
  int gantt_first_gpu = 0;
  int gantt_gpus = 8;
  sched::Duration gantt_from{};
  size_t gantt_pieces = 3'000;
};

// Header lines of the two files, newline included; docs/formats/simulation-output.md.
std::string JobsCsvHeader();
std::string TimeseriesCsvHeader();

// Writes one run into jobs.csv while it comes about, into timeseries.csv at its end, and keeps what
// the page's charts show.
//
// Memory: that of the running jobs, 2 x timeseries_rows samples, the windows and the pieces.
// Threading: one owner; runs that share files follow one another.
class RunRecorder final : public sim::RunObserver {
 public:
  // Files may be nullptr, their content is then not made. REQUIRES: all outlive this.
  RunRecorder(const RunKey& key, const sim::Workload& workload, const sim::Scheme& scheme,
              const mig::GpuModel& model, const RecorderOptions& options, AtomicFile* jobs,
              AtomicFile* timeseries);

  Status OnBegin(sched::TimePoint now, const sched::Scheduler& scheduler) override;
  Status OnSubmit(sched::TimePoint now, size_t job) override;
  Status OnStart(sched::TimePoint now, size_t job, const alloc::Allocation& allocation) override;
  Status OnFinish(sched::TimePoint now, size_t job) override;
  Status OnRelease(sched::TimePoint now, size_t job) override;
  Status OnReject(sched::TimePoint now, size_t job) override;
  Status OnOutOfService(sched::TimePoint now, mig::GpuIndex gpu) override;
  Status OnInService(sched::TimePoint now, mig::GpuIndex gpu) override;
  Status OnMoment(sched::TimePoint now, const sched::Scheduler& scheduler) override;

  // After the run: writes the time series, and gives what was kept. The distributions are the
  // outcome's.
  Result<RunDetail> Finish(const sim::Outcome& outcome);

 private:
  struct Running {
    sched::TimePoint start_time;
    std::vector<mig::LeafId> leaves;
    int held_slices = 0;
    int asked_slices = 0;             // of the held ones
    std::optional<size_t> gantt_job;  // into gantt_.jobs
  };
  // Called before anything that happens at `now`: from gantt_.from on pieces are kept.
  void EnterGantt(sched::TimePoint now);
  void Draw(size_t job, sched::TimePoint now, Running& running);
  Status WriteRow(size_t job, const Running* running, sched::TimePoint finish);
  [[nodiscard]] bool InGantt(mig::GpuIndex gpu) const;
  [[nodiscard]] Sample Now(sched::TimePoint now) const;

  const RunKey key_;
  const sim::Workload& workload_;
  const RecorderOptions options_;
  AtomicFile* jobs_;
  AtomicFile* timeseries_;
  std::string row_prefix_;  // policy, load, setting and seed as CSV

  const alloc::LeafPool* pool_ = nullptr;  // the scheduler's, from OnBegin on
  std::unordered_map<size_t, Running> running_;
  size_t running_jobs_ = 0;  // those that have not ended; their leaves may be held for longer
  size_t waiting_jobs_ = 0;
  int64_t held_slices_ = 0;
  int64_t asked_slices_ = 0;
  int64_t gpus_out_ = 0;
  int64_t arrived_slices_ = 0;
  FragmentationMeter meter_;

  StepSeries series_;
  WindowSeries by_time_;
  WindowSeries by_demand_;
  sched::TimePoint last_;
  Gantt gantt_;
  bool gantt_begun_ = false;
  std::map<int, sched::TimePoint> out_since_;  // of the GPUs shown that are out of service
};

}  // namespace flexmig::report
