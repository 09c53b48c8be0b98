#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flexmig/base/check.h"
#include "flexmig/report/report_data.h"
#include "flexmig/report/run_recorder.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/summary.h"
#include "flexmig/sim/workload.h"

namespace flexmig::report {

inline const mig::GpuModel& Board() { return **mig::FindGpuModel("a100-40"); }

// One recorded run: no communication cost, and MIG costs nothing.
struct Recorded {
  sim::Workload workload;
  sim::Outcome outcome;
  ReportRun run;
};

inline Recorded Record(const RunKey& key, const std::vector<trace::JobRecord>& records, int gpus,
                       const RecorderOptions& options = {}, AtomicFile* jobs = nullptr,
                       AtomicFile* timeseries = nullptr) {
  const sim::SchemeContext context{
      .model = &Board(),
      .cluster = {.nodes = 1, .gpus_per_node = gpus},
      .speeds = sim::SpeedModel(
          Board(), {.speed_class = sim::SpeedClass::kMiddling, .mig_off = sim::kWholeSpeed}),
      .costs = {},
      .communication = {.efficiency = sim::kWholeSpeed}};
  Recorded recorded;
  auto workload = sim::MakeWorkload(records, Board(), gpus, context.speeds, {});
  FLEXMIG_CHECK(workload.ok());
  recorded.workload = *std::move(workload);
  auto scheme = sim::MakeScheme(key.policy_name, context);
  FLEXMIG_CHECK(scheme.ok());
  RunRecorder recorder(key, recorded.workload, **scheme, Board(), options, jobs, timeseries);
  auto outcome = sim::Simulate(recorded.workload, **scheme, *sched::MakeQueuePolicy("fifo"),
                               {.observers = {&recorder}});
  FLEXMIG_CHECK(outcome.ok());
  recorded.outcome = *std::move(outcome);
  auto detail = recorder.Finish(recorded.outcome);
  FLEXMIG_CHECK(detail.ok());
  recorded.run = {key, recorded.workload.offered_load,
                  sim::Summarize(recorded.workload, **scheme, recorded.outcome, Board(), gpus),
                  *std::move(detail)};
  return recorded;
}

// `hundredths` of a GPU for `duration_s`, submitted at `submit_s`.
struct Line {
  int submit_s;
  int duration_s;
  int hundredths;
};

inline std::vector<trace::JobRecord> Records(const std::vector<Line>& lines) {
  std::vector<trace::JobRecord> records;
  for (const Line& line : lines) {
    trace::JobRecord& record = records.emplace_back();
    record.id = trace::TraceJobId(static_cast<int64_t>(records.size()));
    record.submit_time = sched::TimePoint(std::chrono::seconds(line.submit_s));
    record.duration = std::chrono::seconds(line.duration_s);
    record.demand_micro_gpus = line.hundredths * int64_t{10'000};
    record.num_gpus = (line.hundredths + 99) / 100;
  }
  return records;
}

}  // namespace flexmig::report
