#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/deadline.h"
#include "flexmig/base/random.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strings.h"
#include "flexmig/coll/communicator.h"

namespace flexmig::multiproc {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// What a rank tells the test, in memory that both share. Plain fields are read after the process
// has ended.
struct RankReport {
  std::atomic<uint64_t> progress;  // collectives completed
  std::atomic<int64_t> failed_at;  // steady clock, nanoseconds; 0 while there is no error
  StatusCode code;
  char text[600];

  void Fail(const Status& status) {
    code = status.code();
    const size_t length = std::min(status.message().size(), sizeof text - 1);
    std::memcpy(text, status.message().data(), length);
    failed_at.store(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  [[nodiscard]] Status status() const {
    return code == StatusCode::kOk ? OkStatus() : Status(code, text);
  }
};

// How long after `since` the rank had its error.
inline std::chrono::milliseconds Delay(const RankReport& report,
                                       std::chrono::steady_clock::time_point since) {
  const std::chrono::steady_clock::time_point failed{
      std::chrono::steady_clock::duration(report.failed_at.load())};
  return std::chrono::duration_cast<std::chrono::milliseconds>(failed - since);
}

// One process for each rank, forked from the test; killed and reaped when the object goes.
class RankProcesses {
 public:
  using Body = std::function<void(int rank, RankReport& report)>;

  // A rank's exit code is 1 if a gtest assertion failed in it, or in the test before the fork, else
  // 0. It runs for at most 100 s.
  RankProcesses(int world_size, const Body& body)
      : count_(static_cast<size_t>(world_size)),
        reports_(static_cast<RankReport*>(::mmap(nullptr, count_ * sizeof(RankReport),
                                                 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                                                 -1, 0))) {
    FLEXMIG_CHECK(reports_ != MAP_FAILED);
    std::fflush(nullptr);  // else the children print it again
    for (int rank = 0; rank < world_size; ++rank) {
      const pid_t process = ::fork();
      FLEXMIG_CHECK(process >= 0);
      if (process == 0) {
        ::alarm(100);
        body(rank, reports_[rank]);
        std::fflush(nullptr);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
      }
      processes_.push_back(process);
    }
  }
  ~RankProcesses() {
    for (const pid_t process : processes_) {
      if (process > 0) ::kill(process, SIGKILL);
    }
    for (const pid_t process : processes_) {
      if (process > 0) ::waitpid(process, nullptr, 0);
    }
    ::munmap(reports_, count_ * sizeof(RankReport));
  }
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  [[nodiscard]] RankReport& report(int rank) { return reports_[rank]; }
  [[nodiscard]] pid_t process(int rank) const { return processes_[static_cast<size_t>(rank)]; }

  // Returns the time of it. REQUIRES: the rank has not been waited for.
  std::chrono::steady_clock::time_point Signal(int rank, int signal) const {
    const pid_t target = process(rank);
    FLEXMIG_CHECK(target > 0);  // -1 would be everybody
    const auto now = std::chrono::steady_clock::now();
    EXPECT_EQ(::kill(target, signal), 0);
    return now;
  }

  void AwaitProgress(int rank, uint64_t progress) {
    const Deadline deadline = Deadline::After(std::chrono::seconds(60));
    while (report(rank).progress.load() < progress) {
      ASSERT_FALSE(deadline.HasPassed()) << "rank " << rank << " makes no progress";
      ::usleep(200);
    }
  }

  // Waits for the rank's process; false if it did not end by itself with exit code 0 within 100 s.
  bool Succeeded(int rank) {
    const int status = Wait(rank);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  // Waits; the wait status, or -1 after 110 s.
  int Wait(int rank) {
    pid_t& process = processes_[static_cast<size_t>(rank)];
    const Deadline deadline = Deadline::After(std::chrono::seconds(110));
    while (!deadline.HasPassed()) {
      int status = 0;
      if (::waitpid(process, &status, WNOHANG) == process) {
        process = 0;
        return status;
      }
      ::usleep(500);
    }
    return -1;
  }

 private:
  size_t count_;
  RankReport* reports_;
  std::vector<pid_t> processes_;
};

inline coll::CommunicatorOptions OptionsFor(
    const std::string& rendezvous, int rank, int world_size,
    std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  coll::CommunicatorOptions options;
  options.rendezvous = rendezvous;
  options.rank = Rank(rank);
  options.world_size = world_size;
  options.timeout = timeout;
  return options;
}

// Runs `body` with a communicator on every rank, and expects every rank to succeed.
inline void RunRanks(int world_size, const std::function<void(coll::Communicator&)>& body) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(world_size, [&](int rank, RankReport&) {
    auto communicator = coll::Communicator::Create(OptionsFor(rendezvous, rank, world_size));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    body(**communicator);
  });
  for (int rank = 0; rank < world_size; ++rank) {
    EXPECT_TRUE(ranks.Succeeded(rank)) << "rank " << rank << " of " << world_size;
  }
}

}  // namespace flexmig::multiproc
