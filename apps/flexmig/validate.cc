#include "validate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/sim/validation.h"

#include "short_jobs.h"

namespace flexmig::app {
namespace {

using sched::Duration;

constexpr const char* kNode = "a100-40x2";
constexpr const char* kModel = "a100-40";
constexpr int kGpus = 2;
constexpr int kLeaves = 14;
constexpr const char* kPolicy = "topo";  // flexmig run's default
constexpr int kRounds = 5;               // of every measurement; the median counts
constexpr double kAgreement = 0.05;

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Duration Median(std::vector<Duration> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Deadline Soon() { return Deadline::After(std::chrono::seconds(60)); }

// Launch and exchange on a free node, by leaves; then two jobs that each need all leaves, of which
// the second waits for the first.
Result<sim::Calibration> Calibrate(ShortJobNode& node) {
  constexpr int64_t kSteps = 25;
  constexpr auto kStep = std::chrono::milliseconds(20);
  sim::Calibration calibration;
  for (const int leaves : {1, 2, 4, 7, kLeaves}) {
    std::vector<Duration> launches;
    std::vector<Duration> exchanges;
    for (int round = 0; round < kRounds; ++round) {
      const sim::ShortJob job{Duration(0), leaves, kSteps, kStep};
      FLEXMIG_ASSIGN_OR_RETURN(const auto times, node.Run({&job, 1}, Soon()));
      launches.push_back(times[0].start);
      exchanges.push_back((times[0].finish - times[0].start) / kSteps - kStep);
    }
    calibration.sizes.push_back({leaves, Median(launches), Median(exchanges)});
  }
  std::vector<Duration> handovers;
  for (int round = 0; round < kRounds; ++round) {
    const sim::ShortJob first{Duration(0), kLeaves, kSteps, kStep};
    sim::ShortJob second = first;
    second.submit = std::chrono::milliseconds(100);
    const sim::ShortJob both[] = {first, second};
    FLEXMIG_ASSIGN_OR_RETURN(const auto times, node.Run(both, Soon()));
    handovers.push_back(times[1].start - times[0].finish - calibration.sizes.back().launch);
  }
  calibration.handover = std::max(Median(handovers), Duration(0));
  return calibration;
}

std::string Render(const sim::Calibration& calibration, const ValidateArguments& arguments) {
  nlohmann::ordered_json sizes = nlohmann::ordered_json::array();
  for (const auto& size : calibration.sizes) {
    sizes.push_back({{"leaves", size.leaves},
                     {"launch_s", Seconds(size.launch)},
                     {"exchange_s", Seconds(size.exchange)}});
  }
  const nlohmann::ordered_json file = {{"format", "flexmig.calibration/v1"},
                                       {"node", kNode},
                                       {"jobs", arguments.jobs},
                                       {"seed", arguments.seed},
                                       {"sizes", sizes},
                                       {"handover_s", Seconds(calibration.handover)}};
  return file.dump(2) + "\n";
}

std::string Render(const sim::Calibration& calibration) {
  std::string text = "measured before: ";
  for (const auto& size : calibration.sizes) {
    text += fmt::format("{} leaves launch {:.0f} ms, exchange {:.2f} ms; ", size.leaves,
                        Seconds(size.launch) * 1e3, Seconds(size.exchange) * 1e3);
  }
  return text + fmt::format("handover {:.0f} ms\n\n", Seconds(calibration.handover) * 1e3);
}

}  // namespace

Result<Validation> Validate(const ValidateArguments& arguments) {
  FLEXMIG_ASSIGN_OR_RETURN(const mig::GpuModel* model, mig::FindGpuModel(kModel));
  FLEXMIG_ASSIGN_OR_RETURN(ShortJobNode node, ShortJobNode::Create(kNode));
  FLEXMIG_ASSIGN_OR_RETURN(const sim::Calibration calibration, Calibrate(node));
  if (!arguments.calibration.empty()) {
    FLEXMIG_RETURN_IF_ERROR(
        WriteFileAtomically(arguments.calibration, Render(calibration, arguments)));
  }
  const auto jobs = sim::MakeShortJobs(arguments.jobs, arguments.seed, kLeaves);
  FLEXMIG_ASSIGN_OR_RETURN(const auto predicted,
                           sim::PredictShortJobs(jobs, calibration, *model, kGpus, kPolicy));
  const Duration makespan = sim::MakespanOf(predicted);
  FLEXMIG_ASSIGN_OR_RETURN(
      const auto measured,
      node.Run(jobs,
               Deadline::After(std::chrono::seconds(60) +
                               std::chrono::duration_cast<std::chrono::seconds>(4 * makespan))));

  Validation validation;
  validation.text = fmt::format("{} jobs on a simulated node of {} GPUs, {} leaves, fifo, {}\n",
                                jobs.size(), kGpus, kLeaves, kPolicy) +
                    Render(calibration) +
                    fmt::format("{:>3}  {:>6}  {:>8}  {:>9}  {:>9}  {:>9}  {:>9}\n", "job",
                                "leaves", "submit", "start", "measured", "finish", "measured");
  double worst = 0;
  double sum = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    validation.text += fmt::format(
        "{:>3}  {:>6}  {:>8.3f}  {:>9.3f}  {:>9.3f}  {:>9.3f}  {:>9.3f}\n", i + 1, jobs[i].leaves,
        Seconds(jobs[i].submit), Seconds(predicted[i].start), Seconds(measured[i].start),
        Seconds(predicted[i].finish), Seconds(measured[i].finish));
    const double error = std::abs(Seconds(predicted[i].finish - measured[i].finish));
    worst = std::max(worst, error);
    sum += error;
  }
  const Duration real = sim::MakespanOf(measured);
  const double error = Seconds(makespan) / Seconds(real) - 1;
  validation.agrees = std::abs(error) < kAgreement;
  validation.text += fmt::format(
      "\nmakespan: predicted {:.3f} s, measured {:.3f} s, error {:+.2f} % ({} 5 %)\n"
      "finish: mean error {:.3f} s, largest {:.3f} s\n",
      Seconds(makespan), Seconds(real), error * 100, validation.agrees ? "within" : "not within",
      sum / static_cast<double>(jobs.size()), worst);
  return validation;
}

}  // namespace flexmig::app
