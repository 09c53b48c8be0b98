#include "running_jobs.h"

#include <memory>

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

// Two GPUs of seven leaves; a step of 100 ms exchanges 10 ms for each rank on the link.
class RunningJobsTest : public testing::Test {
 protected:
  static Communication Links() {
    auto links =
        Communication::Parse("links:gradient=100MB,step=100ms,link=10GB,latency=0us,overlap=0");
    EXPECT_TRUE(links.ok());
    return *links;
  }
  static sched::TimePoint At(sched::Duration time) { return sched::TimePoint(time); }
  static JobRun Communicating() {
    return {.reference = kWholeSpeed, .speed = kWholeSpeed, .communicates = true};
  }
  // "job: end in seconds" of each changed end.
  Texts Start(size_t job, sched::Duration now, const JobRun& run, sched::Duration duration,
              const std::vector<int>& leaves) {
    alloc::Allocation allocation;
    for (const int leaf : leaves) allocation.leaves.emplace_back(leaf);
    return Ends(jobs_->Start(job, At(now), run, duration, allocation));
  }
  Texts Finish(size_t job, sched::Duration now) { return Ends(jobs_->Finish(job, At(now))); }
  Texts Ends(const Result<const std::vector<RunningJobs::End>*>& ends) {
    Texts texts;
    EXPECT_TRUE(ends.ok()) << ends.status().ToString();
    if (!ends.ok()) return texts;
    for (const RunningJobs::End& end : **ends) {
      EXPECT_TRUE(jobs_->IsCurrent(end));
      last_[end.job] = end;
      texts.push_back(StrCat(
          end.job, ": ",
          FormatFixed(std::chrono::duration<double>(end.time.time_since_epoch()).count(), 3)));
    }
    return texts;
  }

  const mig::NodeInventory node_ =
      mig::NodeInventory::Uniform(Board(), 2, *mig::UniformLayout(Board(), "1g.5gb"));
  std::unique_ptr<RunningJobs> jobs_ = std::make_unique<RunningJobs>(node_, Links());
  std::unordered_map<size_t, RunningJobs::End> last_;
};

TEST_F(RunningJobsTest, JobAloneRunsAtOneSpeed) {
  JobRun run{.setup = 2s, .reference = 300'000, .speed = 600'000};
  EXPECT_EQ(Start(7, 10s, run, 100s, {0}), (Texts{"7: 62.000"}));
  EXPECT_EQ(Finish(7, 62s), Texts{});
  EXPECT_FALSE(jobs_->IsCurrent(last_[7]));
}

TEST_F(RunningJobsTest, RanksOnOneGpuShareItsLink) {
  // Two ranks exchange for 20 ms a step of 100 ms: 5/6 of full speed.
  EXPECT_EQ(Start(0, 0s, Communicating(), 100s, {0, 1}), (Texts{"0: 120.000"}));
  const RunningJobs::End first = last_[0];
  // The second job adds its two ranks for the sixth of the time in which they exchange: 2 1/3 ranks
  // make 23.3 ms. Half of the first job is done after 60 s.
  EXPECT_EQ(Start(1, 60s, Communicating(), 100s, {2, 3}), (Texts{"1: 183.333", "0: 121.667"}));
  EXPECT_FALSE(jobs_->IsCurrent(first));
  // On the other GPU nobody is disturbed.
  EXPECT_EQ(Start(2, 60s, Communicating(), 100s, {7, 8}), (Texts{"2: 180.000"}));
  // One that does not communicate disturbs nobody either.
  EXPECT_EQ(Start(3, 60s, {.reference = 1, .speed = 1}, 10s, {9}), (Texts{"3: 70.000"}));
  EXPECT_EQ(Finish(3, 70s), Texts{});
  // 61.667 s at 123.3 ms a step leave 50 s of work for job 1, now alone.
  EXPECT_EQ(Finish(0, 121'666'667us), (Texts{"1: 181.667"}));
}

TEST_F(RunningJobsTest, TheBusiestLinkOfAJobCounts) {
  EXPECT_EQ(Start(0, 0s, Communicating(), 100s, {0, 1, 2, 7}), (Texts{"0: 130.000"}));
}

TEST_F(RunningJobsTest, ChangesOfSpeedLoseNoWork) {
  EXPECT_EQ(Start(0, 0s, Communicating(), 100s, {0, 1}), (Texts{"0: 120.000"}));
  const sched::TimePoint alone = last_[0].time;
  for (int i = 1; i <= 50; ++i) {
    const auto now = std::chrono::seconds(i);
    Start(static_cast<size_t>(i), now, Communicating(), 10s, {2, 3});
    Finish(static_cast<size_t>(i), now);  // for no time at all
  }
  EXPECT_EQ(last_[0].time, alone);
}

TEST_F(RunningJobsTest, SetUpIsNotCutShortByANeighbour) {
  JobRun slow = Communicating();
  slow.setup = 10s;
  EXPECT_EQ(Start(0, 0s, slow, 100s, {0, 1}), (Texts{"0: 130.000"}));
  EXPECT_EQ(Start(1, 5s, Communicating(), 1s, {2, 3}), (Texts{"1: 6.233", "0: 133.333"}));
  EXPECT_EQ(Finish(1, 6'233'333us), (Texts{"0: 130.000"}));
}

// As above, but each GPU is a node of its own, and a gradient takes 50 ms through its network.
class JobsOverNodesTest : public RunningJobsTest {
 protected:
  static Communication Network() {
    Communication network = Links();
    network.network_per_second = Bytes::Of(2'000'000'000);
    return network;
  }
  const mig::NodeInventory nodes_ =
      mig::NodeInventory::Cluster(Board(), {3, 1, 0}, *mig::UniformLayout(Board(), "1g.5gb"));
  void SetUp() override { jobs_ = std::make_unique<RunningJobs>(nodes_, Network()); }
};

TEST_F(JobsOverNodesTest, JobOverNodesPaysForTheNetwork) {
  EXPECT_EQ(Start(0, 0s, Communicating(), 100s, {0, 1}), (Texts{"0: 120.000"}));
  // 10 ms for its rank on each link, 50 ms for what a ring of two sends.
  EXPECT_EQ(Start(1, 0s, Communicating(), 100s, {7, 14}), (Texts{"1: 160.000"}));
}

TEST_F(JobsOverNodesTest, JobsOverNodesShareTheNetworkOfANode) {
  EXPECT_EQ(Start(0, 0s, Communicating(), 160s, {0, 7}), (Texts{"0: 256.000"}));
  // The other one uses links for 1/16 and the network for 5/16 of its time: 10.625 and 65.625 ms.
  // 60 s of work are done after 96 s.
  EXPECT_EQ(Start(1, 96s, Communicating(), 100s, {8, 15}), (Texts{"1: 272.250", "0: 272.250"}));
  EXPECT_EQ(Finish(1, 96s), (Texts{"0: 256.000"}));
}

TEST_F(JobsOverNodesTest, JobsThatStayOnANodeLeaveItsNetworkAlone) {
  Communication costly = Network();
  costly.network_per_second = Bytes::Of(1'000'000);
  jobs_ = std::make_unique<RunningJobs>(nodes_, costly);
  EXPECT_EQ(Start(0, 0s, Communicating(), 100s, {0, 1}), (Texts{"0: 120.000"}));
  EXPECT_EQ(Start(1, 0s, Communicating(), 100s, {7, 8}), (Texts{"1: 120.000"}));
}

TEST_F(RunningJobsTest, EndsBeyondTheRangeOfTimeAreRefused) {
  const auto ends =
      jobs_->Start(0, At(0s), {.reference = 1'000'000, .speed = 1}, 4'700'000'000'000s, {});
  EXPECT_EQ(ends.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace flexmig::sim
