#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/replay.h"
#include "flexmig/sched/scheduler.h"

namespace flexmig::sched {

inline TimePoint At(int64_t micros) { return TimePoint(Duration(micros)); }

// A node of A100s flattened to 7 leaves each.
inline mig::NodeInventory LeafNode(int gpus) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return mig::NodeInventory::Uniform(model, gpus, *mig::UniformLayout(model, "1g.5gb"));
}

inline Job MakeJob(std::string id, int leaves, std::optional<int64_t> estimate = {}) {
  Job job;
  job.id = JobId(std::move(id));
  job.request.leaf_count = leaves;
  if (estimate) job.estimate = Duration(*estimate);
  return job;
}

using Names = std::vector<std::string>;

// The jobs of the decisions, "!" in front of the rejected ones, "-" of those to be ended.
inline Names NamesOf(std::span<const Decision> decisions) {
  Names names;
  for (const Decision& decision : decisions) {
    if (const auto* start = std::get_if<StartJob>(&decision)) {
      names.push_back(start->job.value());
    } else if (const auto* reject = std::get_if<RejectJob>(&decision)) {
      names.push_back("!" + reject->job.value());
    } else {
      names.push_back("-" + std::get<EndJob>(decision).job.value());
    }
  }
  return names;
}

inline Names Tick(Scheduler& scheduler, int64_t micros) {
  const auto decisions = scheduler.Tick(At(micros));
  EXPECT_TRUE(decisions.ok()) << decisions.status().ToString();
  return decisions.ok() ? NamesOf(*decisions) : Names{};
}

// A job of a world: what the scheduler is told, what is true, and what became of it.
struct WorldJob {
  Job job;
  TimePoint submit_time;
  Duration run_time{};  // on job.request.leaf_count leaves
  std::optional<TimePoint> release_time;

  std::optional<TimePoint> start_time;
  std::optional<TimePoint> finish_time;
  int leaves = 0;
  bool rejected = false;
  bool ended_by_limit = false;
};

// Plays a workload against a scheduler: tells it submissions and ends, ticks at each of them and at
// its timers.
class World {
 public:
  World(Scheduler& scheduler, std::vector<WorldJob> jobs)
      : scheduler_(scheduler), jobs_(std::move(jobs)) {
    for (size_t i = 0; i < jobs_.size(); ++i) {
      index_[jobs_[i].job.id] = i;
      pending_.emplace(jobs_[i].submit_time, i);
      if (jobs_[i].release_time) releases_.emplace(*jobs_[i].release_time, i);
    }
  }

  // Called after every Tick, with what it decided.
  std::function<void(TimePoint, std::span<const Decision>)> after_tick;

  // Until nothing is left to happen. Jobs may be left waiting.
  void Play() {
    while (true) {
      TimePoint now = scheduler_.next_timer().value_or(kNever);
      for (const auto* events : {&pending_, &releases_, &ends_}) {
        if (!events->empty()) now = std::min(now, events->begin()->first);
      }
      if (now == kNever) return;
      Moment(now);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

  [[nodiscard]] const std::vector<WorldJob>& jobs() const { return jobs_; }
  [[nodiscard]] const WorldJob& job(const JobId& id) const { return jobs_[index_.at(id)]; }
  // Running jobs and when they really end.
  [[nodiscard]] const std::multimap<TimePoint, size_t>& ends() const { return ends_; }

 private:
  void Moment(TimePoint now) {
    while (!ends_.empty() && ends_.begin()->first == now) {
      const size_t i = ends_.begin()->second;
      ends_.erase(ends_.begin());
      jobs_[i].finish_time = now;
      const JobEnd end = jobs_[i].ended_by_limit ? JobEnd::kFailed : JobEnd::kOk;
      ASSERT_TRUE(scheduler_.Finish(now, jobs_[i].job.id, end).ok());
    }
    while (!pending_.empty() && pending_.begin()->first == now) {
      const size_t i = pending_.begin()->second;
      pending_.erase(pending_.begin());
      const Status status = scheduler_.Submit(now, jobs_[i].job);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
    while (!releases_.empty() && releases_.begin()->first == now) {
      const size_t i = releases_.begin()->second;
      releases_.erase(releases_.begin());
      if (jobs_[i].rejected) continue;
      ASSERT_TRUE(scheduler_.ReleaseHold(now, jobs_[i].job.id).ok());
    }
    const auto decisions = scheduler_.Tick(now);
    ASSERT_TRUE(decisions.ok()) << decisions.status().ToString();
    for (const Decision& decision : *decisions) Obey(decision, now);
    if (after_tick) after_tick(now, *decisions);
  }

  void Obey(const Decision& decision, TimePoint now) {
    if (const auto* start = std::get_if<StartJob>(&decision)) {
      const size_t i = index_.at(start->job);
      WorldJob& job = jobs_[i];
      ASSERT_FALSE(job.start_time) << start->job.value() << " is started twice";
      job.start_time = now;
      job.leaves = static_cast<int>(start->allocation.leaves.size());
      Duration run = job.run_time;
      if (job.job.moldable) {
        const int64_t work = run.count() * job.job.moldable->SpeedOn(job.job.request.leaf_count);
        run = Duration(work / job.job.moldable->SpeedOn(job.leaves));
      }
      ends_.emplace(now + run, i);
    } else if (const auto* reject = std::get_if<RejectJob>(&decision)) {
      jobs_[index_.at(reject->job)].rejected = true;
    } else {
      const size_t i = index_.at(std::get<EndJob>(decision).job);
      ASSERT_FALSE(jobs_[i].ended_by_limit);
      jobs_[i].ended_by_limit = true;
      std::erase_if(ends_, [&](const auto& end) { return end.second == i; });
      ends_.emplace(now + Duration(1), i);  // it takes a moment to die
    }
  }

  Scheduler& scheduler_;
  std::vector<WorldJob> jobs_;
  std::map<JobId, size_t> index_;
  std::multimap<TimePoint, size_t> pending_;
  std::multimap<TimePoint, size_t> releases_;
  std::multimap<TimePoint, size_t> ends_;
};

// How estimates relate to run times.
enum class Estimates { kExact, kWrong, kSomeMissing };

// For the names of tests.
inline void PrintTo(Estimates estimates, std::ostream* out) {
  switch (estimates) {
    case Estimates::kExact: *out << "exact_estimates"; return;
    case Estimates::kWrong: *out << "wrong_estimates"; return;
    case Estimates::kSomeMissing: *out << "some_estimates_missing"; return;
  }
}

// Jobs on a node of `leaves`, about as many as it can do, some of them wide.
inline std::vector<WorldJob> RandomJobs(SplitMix64& random, int leaves, Estimates estimates) {
  std::vector<WorldJob> jobs;
  int64_t now = 0;
  const auto count = 1 + random.NextBelow(80);
  for (uint64_t i = 0; i < count; ++i) {
    WorldJob& job = jobs.emplace_back();
    const bool wide = random.NextBelow(6) == 0;
    const auto most = static_cast<uint64_t>(wide ? leaves : std::max(1, leaves / 3));
    job.job = MakeJob(StrCat("j", i), 1 + static_cast<int>(random.NextBelow(most)));
    now += static_cast<int64_t>(random.NextBelow(20));
    job.submit_time = At(now);
    job.run_time = Duration(1 + static_cast<int64_t>(random.NextBelow(60)));
    if (estimates == Estimates::kExact) {
      job.job.estimate = job.run_time;
    } else if (estimates == Estimates::kWrong || random.NextBelow(4) > 0) {
      job.job.estimate = Duration(static_cast<int64_t>(random.NextBelow(80)));
    }
  }
  return jobs;
}

}  // namespace flexmig::sched
