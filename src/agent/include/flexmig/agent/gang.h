#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/agent/signal_watch.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"

namespace flexmig::agent {

struct GangRank {
  std::map<std::string, std::string> variables;  // on top of the launcher's environment
  std::string leaf;                              // for messages: "GPU 0, MIG-7f37c7aa-..."
};

struct GangSpec {
  std::vector<std::string> command;  // not empty; [0] is looked up in PATH
  std::vector<GangRank> ranks;       // not empty; element r is rank r
  bool prefix = true;                // "[3] " in front of every line of rank 3
  bool verbose = false;              // a line for every rank that starts

  // From the failure of a rank, and from a signal of the user, to SIGKILL for ranks that still run.
  // One second keeps the end of a gang within two; a user's SIGTERM may mean "write a checkpoint".
  std::chrono::milliseconds failure_grace = std::chrono::seconds(1);
  std::chrono::milliseconds signal_grace = std::chrono::seconds(5);

  // Called for each rank when all exist and none has begun to run the command. An error ends the
  // gang before its start. May be empty. Runs in the keeper process.
  std::function<Status(Rank, pid_t)> on_rank_started = nullptr;

  // Called when no process of the gang is left: first in the keeper, then in this process. The
  // place to release leases. May be empty.
  std::function<void()> on_ranks_gone = nullptr;
};

struct GangResult {
  // 0 if every rank ended so, else that of the first rank that failed: its exit status, or
  // 128 + signal. 127 if the command does not exist, 126 if it cannot be executed. 128 + signal if
  // the ranks did not end upon a user's signal and had to be killed. 137 if the keeper was killed.
  int exit_code = 0;
  std::string message;  // what the keeper could not say itself, or ""
};

// Runs one gang of processes to its end and leaves none of them behind.
//
//   this process (front)      holds the terminal; forwards signals
//   +- keeper                 starts the ranks, reads their output, decides when the gang ends
//      +- rank 0 .. N-1       each in a process group of its own
//         +- ...              whatever they start
//
// Front and keeper are subreapers and watch each other. If either is killed, the other kills
// everything below it, processes that left their session included; a rank gets SIGKILL from the
// kernel when the keeper dies. So kill -9 of any one process leaves nothing. (If both are killed in
// the same moment, ranks still die, but processes that they started may stay.)
//
// Ends: when all ranks have exited with 0; or when one fails: the others get SIGTERM, and SIGKILL
// after `failure_grace`. What the ranks left behind in the background is killed in both cases.
//
// Signals (see SignalWatch) are forwarded to the ranks' process groups. After SIGINT, SIGTERM,
// SIGHUP or SIGQUIT the ranks have `signal_grace` to end; a second of these signals, or one during
// any other end, kills at once. SIGTSTP stops the ranks and this process until SIGCONT.
//
// Output: whole lines, with prefix; a begun line is shown after 100 ms. The keeper writes to this
// process's stdout and stderr, its own messages ("flexmig run: rank 2 ...") to stderr, and never
// blocks on them: where nobody reads, the ranks' writes wait. If the reader of stdout is gone
// (`| head`), the ranks get SIGPIPE when they write. After the end of the ranks the rest is written
// with no bound on time, leases already released, until a signal asks to end.
//
// Input: rank 0 has this process's stdin unless that is a terminal; all others, and this process
// from now on, have /dev/null.
//
// Errors: kInvalidArgument for an empty command or no ranks; kUnimplemented without /proc;
// kResourceExhausted if the processes cannot be started; what `on_rank_started` returns. No process
// is left in any case.
// Blocks until the end. REQUIRES: a process of one thread; descriptors 0, 1 and 2 are open.
Result<GangResult> RunGang(const GangSpec& spec, SignalWatch& signals);

// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed, so that no file of ours
// ends up in its place. To be called before anything else is opened.
Status OpenMissingStandardFds();

}  // namespace flexmig::agent
