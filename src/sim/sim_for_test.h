#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/summary.h"
#include "flexmig/sim/workload.h"

namespace flexmig::sim {

inline const mig::GpuModel& Board(std::string_view key = "a100-40") {
  return **mig::FindGpuModel(key);
}

// One line of a trace. `gpus` in hundredths, as traces have it.
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

// A cluster and the constants of a run, simple enough for sums by hand: no communication cost, and
// MIG costs nothing.
struct Setting {
  int gpus = 1;  // of a node
  int nodes = 1;
  SpanNodes span = SpanNodes::kWide;
  std::string_view queue = "fifo";
  SpeedOptions speed = {.speed_class = SpeedClass::kMiddling, .mig_off = kWholeSpeed};
  ReconfigurationCosts costs;
  Communication communication = {.efficiency = kWholeSpeed};
  WorkloadOptions workload;

  [[nodiscard]] SchemeContext Context() const {
    return {&Board(),    {nodes, gpus}, SpeedModel(Board(), speed), costs, communication,
            "first-fit", span};
  }
};

struct Played {
  Workload workload;
  Outcome outcome;
  Summary summary;
};

inline Result<Played> TryPlay(std::string_view policy, const std::vector<trace::JobRecord>& records,
                              const Setting& setting, const SimulationOptions& options = {}) {
  const SchemeContext context = setting.Context();
  FLEXMIG_ASSIGN_OR_RETURN(
      auto workload, MakeWorkload(records, Board(), context.cluster.gpu_count(), context.speeds,
                                  setting.workload));
  FLEXMIG_ASSIGN_OR_RETURN(const auto scheme, MakeScheme(policy, context));
  FLEXMIG_ASSIGN_OR_RETURN(auto queue, sched::MakeQueuePolicy(setting.queue));
  FLEXMIG_ASSIGN_OR_RETURN(auto outcome, Simulate(workload, *scheme, std::move(queue), options));
  Summary summary = Summarize(workload, *scheme, outcome, Board(), context.cluster.gpu_count());
  return Played{std::move(workload), std::move(outcome), std::move(summary)};
}

inline Played Play(std::string_view policy, const std::vector<Line>& lines,
                   const Setting& setting = {}) {
  auto played = TryPlay(policy, Records(lines), setting);
  EXPECT_TRUE(played.ok()) << policy << ": " << played.status().ToString();
  return played.ok() ? *std::move(played) : Played{};
}

// "start-finish" of every job in seconds, "left out" for rejected ones.
inline std::vector<std::string> Schedule(const Played& played) {
  std::vector<std::string> texts;
  for (const JobOutcome& job : played.outcome.jobs) {
    const auto seconds = [](sched::TimePoint time) {
      return StrCat(std::chrono::duration<double>(time.time_since_epoch()).count());
    };
    texts.push_back(job.done ? StrCat(seconds(job.start_time), "-", seconds(job.finish_time))
                             : "left out");
  }
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace flexmig::sim
