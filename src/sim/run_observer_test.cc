#include "flexmig/sim/run_observer.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

// Writes down what it is told.
class Diary final : public RunObserver {
 public:
  Status OnBegin(sched::TimePoint now, const sched::Scheduler&) override {
    return Note(now, "begin", "");
  }
  Status OnSubmit(sched::TimePoint now, size_t job) override { return Note(now, "submit ", job); }
  Status OnStart(sched::TimePoint now, size_t job, const alloc::Allocation& allocation) override {
    return Note(now, "start ", StrCat(job, " on ", allocation.leaves.size()));
  }
  Status OnFinish(sched::TimePoint now, size_t job) override { return Note(now, "finish ", job); }
  Status OnRelease(sched::TimePoint now, size_t job) override { return Note(now, "release ", job); }
  Status OnReject(sched::TimePoint now, size_t job) override { return Note(now, "reject ", job); }
  Status OnOutOfService(sched::TimePoint now, mig::GpuIndex gpu) override {
    return Note(now, "out ", gpu.value());
  }
  Status OnInService(sched::TimePoint now, mig::GpuIndex gpu) override {
    return Note(now, "back ", gpu.value());
  }
  Status OnMoment(sched::TimePoint now, const sched::Scheduler& scheduler) override {
    return Note(now, "moment ", scheduler.running_count());
  }

  [[nodiscard]] const Texts& lines() const { return lines_; }
  size_t fail_at = SIZE_MAX;

 private:
  template <typename T>
  Status Note(sched::TimePoint now, const char* what, const T& subject) {
    if (lines_.size() == fail_at) return ResourceExhaustedError("the diary is full");
    lines_.push_back(StrCat(now.time_since_epoch() / std::chrono::seconds(1), " ", what, subject));
    return OkStatus();
  }
  Texts lines_;
};

Result<Outcome> Watch(std::string_view policy, const std::vector<Line>& lines,
                      const std::vector<RunObserver*>& observers) {
  Setting setting;
  setting.costs = {.create = std::chrono::seconds(1),
                   .destroy = std::chrono::seconds(0),
                   .service_restart = std::chrono::seconds(0)};
  const SchemeContext context = setting.Context();
  FLEXMIG_ASSIGN_OR_RETURN(const auto workload, MakeWorkload(Records(lines), Board(), 1,
                                                             context.speeds, setting.workload));
  FLEXMIG_ASSIGN_OR_RETURN(const auto scheme, MakeScheme(policy, context));
  FLEXMIG_ASSIGN_OR_RETURN(auto queue, sched::MakeQueuePolicy("fifo"));
  return Simulate(workload, *scheme, std::move(queue), {.observers = observers});
}

TEST(RunObserverTest, IsToldEveryEventInOrderThenTheMoment) {
  Diary diary;
  ASSERT_TRUE(
      Watch("flexmig", {{0, 100, 42}, {0, 50, 57}, {10, 5, 300}, {50, 1, 28}}, {&diary}).ok());
  EXPECT_EQ(
      diary.lines(),
      (Texts{"0 begin",      "0 submit 0",  "0 submit 1",      "0 start 0 on 3", "0 start 1 on 4",
             "0 moment 2",   "10 submit 2", "10 reject 2",     "10 moment 2",    "50 finish 1",
             "50 release 1", "50 submit 3", "50 start 3 on 2", "50 moment 2",    "51 finish 3",
             "51 release 3", "51 moment 1", "100 finish 0",    "100 release 0",  "100 moment 0"}));
}

TEST(RunObserverTest, IsToldWhenAGpuIsReconfigured) {
  Diary diary;
  ASSERT_TRUE(Watch("dynamic-drain", {{0, 9, 100}}, {&diary}).ok());
  EXPECT_EQ(diary.lines(),
            (Texts{"0 begin", "0 submit 0", "0 out 0", "0 moment 0", "1 back 0", "1 start 0 on 1",
                   "1 moment 1", "10 finish 0", "10 release 0", "10 moment 0"}));
}

TEST(RunObserverTest, ErrorOfAnyObserverEndsTheRun) {
  Diary patient;
  for (size_t fail_at = 0; fail_at < 8; ++fail_at) {
    Diary full;
    full.fail_at = fail_at;
    const auto outcome = Watch("flexmig", {{0, 9, 14}}, {&patient, &full});
    if (fail_at == 7) {
      EXPECT_TRUE(outcome.ok()) << "the run tells seven things";
      break;
    }
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.status().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(full.lines().size(), fail_at);
  }
}

}  // namespace
}  // namespace flexmig::sim
