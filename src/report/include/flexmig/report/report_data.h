#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/report/window_series.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/summary.h"

namespace flexmig::report {

// One comparison: policies x loads x seeds x settings, in memory. Whoever compares fills it, the
// writers of summary.json and report.html read it. docs/formats/simulation-output.md has the same
// fields as JSON.

// Which run of a comparison.
struct RunKey {
  size_t policy = 0;           // into ReportData::policies
  std::string policy_name;     // the same, by name
  std::optional<double> load;  // that was asked for; nullopt for the trace's own
  // What else the runs of a comparison differ in, e.g. "communication 5 %"; empty if nothing does.
  // Only runs of one setting are compared with each other.
  std::string setting;
  uint64_t seed = 1;
};

// The values at 201 shares 0, 0.5, ..., 100 % of the jobs that were done, by nearest rank; empty if
// none was.
struct Distribution {
  static constexpr size_t kSteps = 200;
  std::vector<sched::Duration> values;

  static Distribution Of(std::vector<sched::Duration> all);
};

// Who held what when, on some GPUs in some time.
struct Gantt {
  struct Job {
    std::string id;
    int asked_slices = 0;
    int held_slices = 0;
    sched::TimePoint submit_time;
    sched::TimePoint start_time;
    sched::TimePoint release_time;  // may lie behind `to`
  };
  // Neighbouring memory slices that one job holds on one GPU.
  struct Piece {
    size_t job = 0;  // into jobs
    int gpu = 0;
    int start = 0;  // in placement units
    int size = 0;
    int leaves = 0;
  };
  // A GPU out of service.
  struct Outage {
    int gpu = 0;
    sched::TimePoint from;
    sched::TimePoint until;
  };
  int first_gpu = 0;
  int gpu_count = 0;
  int units_per_gpu = 0;
  // All that overlaps this time on these GPUs is there.
  sched::TimePoint from;
  sched::TimePoint to;
  bool is_cut = false;  // `to` is where there was no room for more, not the end of the run
  std::vector<Job> jobs;
  std::vector<Piece> pieces;
  std::vector<Outage> outages;
};

// What the charts of one run show.
struct RunDetail {
  sched::Duration sample_window{};  // StepSeries::window of timeseries.csv
  WindowSeries by_time{0, 2};       // position in microseconds
  // Position in compute slices that all jobs submitted so far had asked for: what arriving demand
  // found.
  WindowSeries by_demand{0, 2};
  Distribution completion_time;
  Distribution wait_time;
  Gantt gantt;
};

struct ReportRun {
  RunKey key;
  std::optional<double> offered_load;  // sim::Workload::offered_load
  sim::Summary summary;
  std::optional<RunDetail> detail;
};

struct ReportData {
  struct Policy {
    std::string name;
    sim::Role role = sim::Role::kReference;
    std::string description;
  };

  std::string title;
  std::string version;
  std::vector<std::string> command;  // argv
  std::string trace_name;
  std::string trace_sha256;  // of the file's bytes; empty if there is no file
  int64_t trace_jobs = 0;
  int node_count = 1;
  int gpu_count = 0;  // of all nodes
  std::string gpu_product;
  int slices_per_gpu = 0;
  // What the results rest on: name and text, in the order in which it is shown.
  std::vector<std::pair<std::string, std::string>> assumptions;
  std::vector<Policy> policies;
  std::vector<ReportRun> runs;
};

}  // namespace flexmig::report
