// Real ranks: processes that train one model through the real communicator.

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/deadline.h"
#include "flexmig/base/process.h"
#include "flexmig/base/random.h"

#include "trainer.h"

namespace flexmig::char_lm {
namespace {

constexpr int kSteps = 80;
constexpr int kEndlessly = std::numeric_limits<int>::max();
constexpr int kMaxRanks = 8;
constexpr auto kPatience = std::chrono::seconds(60);  // sanitizers make training 20 times slower

// What one rank leaves behind for the test, in memory that both share.
struct Outcome {
  std::array<double, kSteps> losses;  // of the first steps
  uint64_t checksum;
  StatusCode code;  // of the first call that failed
  int steps;        // taken so far
};

struct Outcomes {
  Outcomes()
      : all(static_cast<Outcome*>(::mmap(nullptr, sizeof(Outcome) * kMaxRanks,
                                         PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                                         0))) {
    FLEXMIG_CHECK(static_cast<void*>(all) != MAP_FAILED);
  }
  ~Outcomes() { ::munmap(all, sizeof(Outcome) * kMaxRanks); }
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  Outcome* all;
};

Text LicenceLikeText() {
  SplitMix64 random(3);
  std::string bytes;
  while (bytes.size() < 20'000) {
    bytes += std::array{
        "permission ",     "to copy, ",    "modify ",   "and convey ",
        "covered works; ", "you may not ", "Program\n", "this License. "}[random.NextBelow(8)];
  }
  auto text = MakeText(bytes);
  FLEXMIG_CHECK(text.ok());
  return std::move(text).value();
}

Status Train(Peers& peers, int steps, Outcome& outcome) {
  const Text text = LicenceLikeText();
  FLEXMIG_ASSIGN_OR_RETURN(
      const auto trainer,
      Trainer::Create(text, {.context = 6, .embedding = 8, .hidden = 24, .batch = 48}, peers));
  for (int step = 0; step < steps; ++step) {
    FLEXMIG_ASSIGN_OR_RETURN(const double loss, trainer->Step());
    if (step < kSteps) outcome.losses[static_cast<size_t>(step)] = loss;
    std::atomic_ref(outcome.steps).store(step + 1, std::memory_order_relaxed);
  }
  outcome.checksum = trainer->Checksum();
  return trainer->VerifyEqualParameters();
}

Status TrainAs(int rank, int world_size, const std::string& rendezvous, int steps,
               Outcome& outcome) {
  coll::CommunicatorOptions options;
  options.rendezvous = rendezvous;
  options.rank = Rank(rank);
  options.world_size = world_size;
  options.connect_timeout = kPatience;
  options.timeout = kPatience;
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, coll::Communicator::Create(options));
  Peers peers(std::move(communicator));
  return Train(peers, steps, outcome);
}

// The ranks as child processes; all are dead when it is destroyed.
class Gang {
 public:
  Gang(int world_size, int steps, Outcome* outcomes) {
    const std::string rendezvous = "char-lm-" + RandomHex(16);
    for (int rank = 0; rank < world_size; ++rank) {
      const pid_t child = ::fork();
      if (child == 0) {
        const Status status = TrainAs(rank, world_size, rendezvous, steps, outcomes[rank]);
        outcomes[rank].code = status.code();
        ::_exit(status.ok() ? 0 : 1);
      }
      children_.push_back(child);
    }
  }
  ~Gang() {
    for (const pid_t child : children_) {
      if (child > 0) Kill(child);
    }
  }
  Gang(const Gang&) = delete;
  Gang& operator=(const Gang&) = delete;

  void KillRank(int rank) { Kill(std::exchange(children_[static_cast<size_t>(rank)], 0)); }

  // Whether the rank ended before the deadline; reaps it.
  bool Wait(int rank, Deadline deadline) {
    pid_t& child = children_[static_cast<size_t>(rank)];
    const auto pidfd = OpenPidFd(child);
    if (!pidfd.ok()) return false;
    pollfd waiting{.fd = pidfd->get(), .events = POLLIN, .revents = 0};
    const auto left = deadline.Remaining(std::chrono::minutes(5));
    if (::poll(&waiting, 1, static_cast<int>(left.count())) != 1) return false;
    ::waitpid(std::exchange(child, 0), nullptr, 0);
    return true;
  }

 private:
  static void Kill(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  std::vector<pid_t> children_;
};

class RanksTest : public ::testing::TestWithParam<int> {};

TEST_P(RanksTest, LossesAgreeWithOneRankAndParametersAreEqual) {
  const int world_size = GetParam();
  Outcomes outcomes;
  Gang gang(world_size, kSteps, outcomes.all);
  Outcome alone{};
  Peers nobody;
  ASSERT_TRUE(Train(nobody, kSteps, alone).ok());
  ASSERT_LT(alone.losses.back(), 0.5 * alone.losses.front());

  const Deadline deadline = Deadline::After(kPatience);
  for (int rank = 0; rank < world_size; ++rank) {
    ASSERT_TRUE(gang.Wait(rank, deadline)) << "rank " << rank;
    const Outcome& outcome = outcomes.all[rank];
    ASSERT_EQ(outcome.code, StatusCode::kOk) << "rank " << rank;
    EXPECT_EQ(outcome.losses, outcomes.all[0].losses) << "rank " << rank;
    EXPECT_EQ(outcome.checksum, outcomes.all[0].checksum) << "rank " << rank;
  }
  for (size_t step = 0; step < kSteps; ++step) {
    ASSERT_NEAR(outcomes.all[0].losses[step], alone.losses[step],
                kLossTolerance * alone.losses[step])
        << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(WorldSizes, RanksTest, ::testing::Values(1, 2, 3, 4, 8));

TEST(KilledRankTest, SurvivorsEndWithAborted) {
  Outcomes outcomes;
  Gang gang(3, kEndlessly, outcomes.all);
  const Deadline deadline = Deadline::After(kPatience);
  const std::atomic_ref<int> steps(outcomes.all[1].steps);
  while (steps.load(std::memory_order_relaxed) < 5) {
    ASSERT_FALSE(deadline.HasPassed());
    ::usleep(100);
  }
  gang.KillRank(1);
  // The communicator promises 1 s; the rest is for a loaded machine.
  const Deadline soon = Deadline::After(std::chrono::seconds(5));
  for (const int rank : {0, 2}) {
    ASSERT_TRUE(gang.Wait(rank, soon)) << "rank " << rank << " hangs";
    EXPECT_EQ(outcomes.all[rank].code, StatusCode::kAborted) << "rank " << rank;
  }
}

}  // namespace
}  // namespace flexmig::char_lm
