// Everything at once: random workloads with priorities, users, quotas, shares, holds, dependencies,
// limits, ranges, span rules, lost leaves; what must be true of every run.

#include <map>
#include <set>

#include "flexmig/sched/event_log_text.h"

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

constexpr int kGpus = 3;

SchedulerOptions RandomOptions(SplitMix64& random) {
  SchedulerOptions options;
  if (random.NextBelow(2) == 0) {
    options.starvation_bound = Duration(static_cast<int64_t>(random.NextBelow(300)));
  }
  if (random.NextBelow(3) == 0) options.share_half_life = Duration(640);
  if (random.NextBelow(3) == 0) options.default_quota.max_leaves = 12;
  if (random.NextBelow(3) == 0) options.quotas["u1"].max_jobs = 2;
  if (random.NextBelow(4) == 0) options.reservation_depth = 1 + random.NextBelow(5);
  options.share_weights["u2"] = 3;
  return options;
}

std::vector<WorldJob> RandomMix(SplitMix64& random) {
  auto jobs = RandomJobs(random, 7 * kGpus, Estimates::kSomeMissing);
  for (size_t i = 0; i < jobs.size(); ++i) {
    Job& job = jobs[i].job;
    job.user = StrCat("u", random.NextBelow(4));
    if (job.user == "u0") job.user.clear();
    if (random.NextBelow(4) == 0) job.priority = static_cast<int>(random.NextBelow(5)) - 2;
    if (random.NextBelow(5) == 0) {
      job.time_limit = Duration(1 + static_cast<int64_t>(random.NextBelow(60)));
    }
    if (random.NextBelow(6) == 0) {
      job.held = true;
      jobs[i].release_time =
          jobs[i].submit_time + Duration(static_cast<int64_t>(random.NextBelow(100)));
    }
    if (i > 0 && random.NextBelow(5) == 0) {
      const auto condition = random.NextBelow(2) == 0 ? Dependency::Condition::kEnded
                                                      : Dependency::Condition::kEndedOk;
      job.after.push_back({jobs[random.NextBelow(i)].job.id, condition});
    }
    if (random.NextBelow(4) == 0) {
      MoldableRange range{std::max(1, job.request.leaf_count - 2), job.request.leaf_count + 3, {}};
      for (int leaves = range.min_leaves; leaves <= range.max_leaves; ++leaves) {
        const auto more = static_cast<int64_t>(random.NextBelow(50));
        range.speeds.push_back(range.speeds.empty() ? 100 : range.speeds.back() + more);
      }
      job.moldable = range;
    }
    if (random.NextBelow(6) == 0) {
      job.request.max_gpus = 1 + static_cast<int>(random.NextBelow(2));
    }
  }
  return jobs;
}

// What no decision may break, checked from outside after every Tick.
class Watch {
 public:
  Watch(const Scheduler& scheduler, const World& world) : scheduler_(scheduler), world_(world) {}

  void operator()(TimePoint now, std::span<const Decision> decisions) {
    for (const Decision& decision : decisions) {
      const auto* start = std::get_if<StartJob>(&decision);
      if (start != nullptr) OnStart(world_.job(start->job), *start, now);
      if (testing::Test::HasFatalFailure()) return;
    }
    CheckQuotas();
  }

 private:
  void OnStart(const WorldJob& job, const StartJob& start, TimePoint now) {
    ASSERT_GE(now, job.submit_time);
    if (job.release_time) {
      ASSERT_GE(now, *job.release_time) << "held";
    }
    for (const Dependency& dependency : job.job.after) {
      const WorldJob& before = world_.job(dependency.job);
      ASSERT_TRUE(before.finish_time || before.rejected) << "before its dependency";
      if (dependency.condition == Dependency::Condition::kEndedOk) {
        ASSERT_FALSE(before.rejected || before.ended_by_limit);
      }
    }
    const auto leaves = static_cast<int>(start.allocation.leaves.size());
    ASSERT_GE(leaves, MinLeaves(job.job));
    ASSERT_LE(leaves, MaxLeaves(job.job));
    std::set<mig::GpuIndex> gpus;
    for (const mig::LeafId leaf : start.allocation.leaves) {
      gpus.insert(scheduler_.pool().leaf(leaf).gpu);
      ASSERT_EQ(scheduler_.pool().HolderOf(leaf), job.job.id);
    }
    if (job.job.request.max_gpus) {
      ASSERT_LE(gpus.size(), static_cast<size_t>(*job.job.request.max_gpus));
    }
  }

  void CheckQuotas() const {
    std::map<std::string, std::pair<int, int>> held;  // leaves, jobs
    for (const auto& [end, i] : world_.ends()) {
      auto& [leaves, jobs] = held[world_.jobs()[i].job.user];
      leaves += world_.jobs()[i].leaves;
      ++jobs;
    }
    const SchedulerOptions& options = scheduler_.options();
    for (const auto& [user, sums] : held) {
      const auto own = options.quotas.find(user);
      const Quota& quota = own != options.quotas.end() ? own->second : options.default_quota;
      ASSERT_LE(sums.first, quota.max_leaves.value_or(7 * kGpus));
      ASSERT_LE(sums.second, quota.max_jobs.value_or(7 * kGpus));
    }
  }

  const Scheduler& scheduler_;
  const World& world_;
};

class SchedulerPropertyTest : public testing::TestWithParam<std::string> {};

TEST_P(SchedulerPropertyTest, EveryRunKeepsTheRulesAndReplaysToEqualDecisions) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 120; ++round) {
    Recording recording;
    recording.setup = {LeafNode(kGpus),
                       alloc::PolicyNames()[random.NextBelow(alloc::PolicyNames().size())],
                       GetParam(), RandomOptions(random)};
    auto scheduler = MakeScheduler(recording.setup);
    ASSERT_TRUE(scheduler.ok()) << scheduler.status().ToString();
    scheduler->set_recorder(&recording.log);
    World world(*scheduler, RandomMix(random));
    // A leaf is out of service for a while; nobody is told but the scheduler.
    if (random.NextBelow(4) == 0) {
      ASSERT_TRUE(scheduler->LeafLost(At(0), mig::LeafId(3)).ok());
      ASSERT_TRUE(scheduler->LeafBack(At(0), mig::LeafId(3)).ok());
    }
    Watch watch(*scheduler, world);
    world.after_tick = [&](TimePoint now, std::span<const Decision> decisions) {
      watch(now, decisions);
    };
    world.Play();
    if (HasFatalFailure()) FAIL() << "round " << round;
    for (const WorldJob& job : world.jobs()) {
      ASSERT_NE(job.rejected, job.finish_time.has_value())
          << job.job.id.value() << " of round " << round << " is not accounted for";
    }
    ASSERT_EQ(scheduler->waiting_count(), 0U);
    ASSERT_EQ(scheduler->running_count(), 0U);
    ASSERT_EQ(scheduler->pool().free_count(), 7 * kGpus);

    auto again = MakeScheduler(recording.setup);
    ASSERT_TRUE(again.ok());
    const auto replayed = Replay(recording.log, *again);
    ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
    ASSERT_EQ(FirstDifference(recording.log, *replayed), std::nullopt) << "round " << round;

    const std::string text = FormatRecording(recording);
    const auto parsed = ParseRecording(text, "log");
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    ASSERT_EQ(FormatRecording(*parsed), text);
    auto from_text = MakeScheduler(parsed->setup);
    ASSERT_TRUE(from_text.ok());
    const auto replayed_text = Replay(parsed->log, *from_text);
    ASSERT_TRUE(replayed_text.ok());
    ASSERT_EQ(FirstDifference(recording.log, *replayed_text), std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SchedulerPropertyTest, testing::ValuesIn(QueuePolicyNames()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace flexmig::sched
