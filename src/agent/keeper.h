#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/agent/gang.h"
#include "flexmig/base/deadline.h"
#include "flexmig/base/unique_fd.h"

#include "line_mixer.h"
#include "output_file.h"
#include "rank_process.h"

namespace flexmig::agent {

// What the keeper tells the front when no process of the gang is left. Written in one piece below
// PIPE_BUF.
struct KeeperReport {
  int32_t exit_code = 0;
  StatusCode code = StatusCode::kOk;  // why the gang could not be started
  char message[1024] = {};
};

// The process between `flexmig run` and its ranks; see gang.h for what it promises.
//
// One loop over everything that can happen; nothing in it blocks. Phases only go forward:
//   kRunning   all is well
//   kStopping  the ranks were asked to end and have until `kill_at_`
//   kKilling   SIGKILL to every child, again and again, until none is left
//   kFlushing  no process is left; the rest of the output is written
// Threading: one owner, in a process of one thread.
class Keeper {
 public:
  // `spec` and `inherited` outlive the keeper. `control` brings one byte for each signal to
  // forward, and its end when the front has died.
  Keeper(const GangSpec& spec, const InheritedSignals& inherited, UniqueFd control,
         UniqueFd report);

  // Returns when all is done; the process then has nothing left to do but _exit.
  void Run();

 private:
  enum class Phase { kRunning, kStopping, kKilling, kFlushing };

  // An output of the launcher, and what is to be written to it.
  struct Sink {
    OutputFile file;
    LineMixer mixer;
    bool broken = false;
  };
  // An output of a rank.
  struct Stream {
    UniqueFd fd;
    size_t sink;
    size_t number;                                    // in the sink's mixer
    std::optional<Deadline> flush_at = std::nullopt;  // of a begun line
  };
  struct RankState {
    pid_t pid = 0;
    bool ended = false;
    int exec_error = 0;
    size_t streams[2] = {};  // stdout, stderr
  };

  Status Start();
  void WaitForEvents();
  void OnControl();
  void OnSignalOfUser(int signal_number);
  void OnChildren();
  void OnRankEnd(size_t rank, int wait_status);
  void OnExecFailures();
  void ReadStream(Stream& stream, bool to_the_end);
  void WriteSink(size_t index);
  void OnTimers();

  void SignalRanks(int signal_number);
  void BeginStopping(std::chrono::milliseconds grace);
  void BeginKilling();
  void BeginFlushing();
  [[nodiscard]] std::chrono::milliseconds TimeToNextTimer() const;
  [[nodiscard]] bool FlushingIsDone() const;
  void Say(std::string_view text);

  const GangSpec& spec_;
  const InheritedSignals& inherited_;
  UniqueFd control_;
  UniqueFd report_;
  UniqueFd child_events_;  // signalfd for SIGCHLD

  std::optional<RankStarter> starter_;
  std::vector<RankState> ranks_;
  size_t ranks_running_ = 0;
  std::vector<Sink> sinks_;  // stdout; stderr, unless it is the same file
  std::vector<Stream> streams_;

  Phase phase_ = Phase::kRunning;
  Deadline kill_at_ = Deadline::Never();      // in kStopping
  Deadline flush_until_ = Deadline::Never();  // in kFlushing
  bool front_died_ = false;
  std::optional<int> signal_of_user_;  // the first that asks to end
  std::optional<int> first_failure_;   // exit code
  Status start_status_;
};

}  // namespace flexmig::agent
