#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/agent/gang.h"
#include "flexmig/agent/job.h"
#include "flexmig/agent/lease_store.h"
#include "flexmig/agent/run_log.h"
#include "flexmig/agent/signal_watch.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

#include "commands.h"
#include "exit_code.h"
#include "job_collectives.h"
#include "leases.h"
#include "node.h"
#include "size_flags.h"

namespace flexmig::app {

namespace {

// What the user wrote; texts are parsed by ours, whose messages name ranges and units.
struct RunFlags {
  std::string backend;
  SizeFlags size;
  CollectivesFlags collectives;
  std::string policy = std::string(kDefaultPolicy);
  std::string job_id;
  std::string wait_timeout;
  bool no_wait = false;
  bool no_prefix = false;
  bool rank_per_node = false;
  bool verbose = false;
};

// "this node has no leaves" and the command that makes some.
Status WithFlattenCommand(const Status& status, const RunFlags& flags,
                          const mig::NodeInventory& inventory) {
  if (inventory.gpus.empty()) return status;
  const mig::GpuModel& model = *inventory.gpus[0].model;
  const auto& leaf = mig::DefaultLeafProfile(model);
  const auto layout = mig::UniformLayout(model, leaf.name);
  if (!layout.ok()) return status;
  return {status.code(),
          StrCat(status.message(), "; cut its GPUs into leaves with: flexmig apply ", "--backend ",
                 flags.backend, " --layout ", layout->size(), "x", leaf.name)};
}

// The node's leaves, read again when they are older than a second: a job may queue for hours.
class FreshInventory {
 public:
  explicit FreshInventory(hw::MigBackend& backend) : backend_(backend) {}

  // Valid until the next call.
  Result<const mig::NodeInventory*> Get() {
    if (good_until_.HasPassed()) {
      FLEXMIG_ASSIGN_OR_RETURN(inventory_, hw::ReadInventory(backend_));
      good_until_ = Deadline::After(std::chrono::seconds(1));
    }
    return &inventory_;
  }

 private:
  hw::MigBackend& backend_;
  mig::NodeInventory inventory_;
  Deadline good_until_ = Deadline::After(std::chrono::seconds(0));
};

// The wall clock in the time line of the event log.
sched::TimePoint WallClock() {
  return sched::TimePoint(std::chrono::duration_cast<sched::Duration>(
      std::chrono::system_clock::now().time_since_epoch()));
}

// Decides through the event log that FLEXMIG_EVENT_LOG names, which all runs on the node share:
// then the scheduler that the simulator runs says who starts on what.
class LoggedDecisions {
 public:
  static Result<LoggedDecisions> Create(const std::string& path, std::string_view policy,
                                        const mig::NodeInventory& inventory) {
    sched::SchedulerSetup setup;
    setup.inventory = inventory;
    setup.allocation_policy = policy;
    FLEXMIG_ASSIGN_OR_RETURN(agent::RunLog log, agent::RunLog::Create(path, std::move(setup)));
    return LoggedDecisions(std::move(log), inventory);
  }

  Result<std::vector<mig::MigUuid>> Decide(const JobId& job, const alloc::AllocationRequest& wanted,
                                           const mig::NodeInventory& inventory,
                                           const agent::LeaseSight& sight) {
    const bool same =
        std::ranges::equal(inventory.leaves, inventory_.leaves,
                           [](const mig::Leaf& a, const mig::Leaf& b) { return a.uuid == b.uuid; });
    if (!same) {
      return FailedPreconditionError(
          "the node's leaves are not those of FLEXMIG_EVENT_LOG any more");
    }
    sched::Job asked;
    asked.id = job;
    asked.request = wanted;
    return log_.Decide(asked, sight, WallClock());
  }

 private:
  LoggedDecisions(agent::RunLog log, mig::NodeInventory inventory)
      : log_(std::move(log)), inventory_(std::move(inventory)) {}

  agent::RunLog log_;
  mig::NodeInventory inventory_;
};

// Says once why the job waits, and for whom.
void ExplainWait(const agent::LeaseWait& wait) {
  std::fprintf(stderr, "flexmig run: waiting: %s\n", wait.reason.message().c_str());
  std::map<JobId, std::pair<int, agent::LeaseHolder>> jobs;
  for (const auto& [leaf, holder] : wait.busy) {
    auto& [count, any] = jobs[holder.job];
    ++count;
    any = holder;
  }
  for (const auto& [job, held] : jobs) {
    const auto& [count, holder] = held;
    std::fprintf(stderr, "flexmig run:   %d leaves: job %s of %s, process %d, since %s: %s\n",
                 count, job.value().c_str(), holder.user.c_str(), holder.pid, holder.since.c_str(),
                 holder.command.c_str());
  }
}

// Queues for the leaves. A signal that asks to end is returned through `ended_by`.
Result<agent::Lease> AcquireLeaves(const RunFlags& flags, const agent::JobSize& size,
                                   const alloc::AllocationPolicy& policy, const JobId& job,
                                   const std::string& command, FreshInventory& inventory,
                                   const agent::LeaseStore& store, agent::SignalWatch& signals,
                                   std::optional<int>& ended_by) {
  agent::LeaseRequest request;
  request.job = job;
  request.command = command;
  request.comm = size.comm;
  request.choose = [&](const agent::BusyLeaves& busy) -> Result<std::vector<mig::MigUuid>> {
    FLEXMIG_ASSIGN_OR_RETURN(const mig::NodeInventory* node, inventory.Get());
    auto wanted = agent::RequestFor(size, *node);
    if (!wanted.ok()) {
      return node->leaves.empty() ? WithFlattenCommand(wanted.status(), flags, *node)
                                  : wanted.status();
    }
    return agent::ChooseLeaves(*node, *wanted, policy, job, busy);
  };
  std::optional<LoggedDecisions> logged;
  if (const auto path = GetEnv("FLEXMIG_EVENT_LOG")) {
    FLEXMIG_ASSIGN_OR_RETURN(const mig::NodeInventory* node, inventory.Get());
    FLEXMIG_ASSIGN_OR_RETURN(LoggedDecisions decisions,
                             LoggedDecisions::Create(*path, policy.name(), *node));
    logged.emplace(std::move(decisions));
    request.decide = [&](const agent::LeaseSight& sight) -> Result<std::vector<mig::MigUuid>> {
      FLEXMIG_ASSIGN_OR_RETURN(const mig::NodeInventory* leaves, inventory.Get());
      auto wanted = agent::RequestFor(size, *leaves);
      if (!wanted.ok()) {
        return leaves->leaves.empty() ? WithFlattenCommand(wanted.status(), flags, *leaves)
                                      : wanted.status();
      }
      return logged->Decide(job, *wanted, *leaves, sight);
    };
  }
  if (!flags.no_wait) {
    request.wait_until = Deadline::Never();
    if (!flags.wait_timeout.empty()) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto timeout,
                               Flag("--wait-timeout", ParseDuration(flags.wait_timeout)));
      request.wait_until = Deadline::After(timeout);
    }
  }
  bool explained = false;
  request.on_wait = [&](const agent::LeaseWait& wait) {
    if (!explained) ExplainWait(wait);
    explained = true;
    while (const auto signal_number = signals.Take()) {
      if (agent::AsksToEnd(*signal_number)) {
        ended_by = signal_number;
        return AbortedError("ended by a signal while waiting for leaves");
      }
      if (*signal_number == SIGTSTP) signals.StopSelf();
    }
    return OkStatus();
  };
  return store.Acquire(request);
}

// torchrun's variables as for nodes of one device each: programs that take LOCAL_RANK for the
// number of their device then find it, for every rank sees one device, which is number 0.
void TellRanksOfNodesOfTheirOwn(std::vector<agent::GangRank>& ranks) {
  for (size_t r = 0; r < ranks.size(); ++r) {
    ranks[r].variables["LOCAL_RANK"] = "0";
    ranks[r].variables["LOCAL_WORLD_SIZE"] = "1";
    ranks[r].variables["GROUP_RANK"] = StrCat(r);
  }
}

Result<int> Run(const RunFlags& flags, const std::vector<std::string>& command) {
  FLEXMIG_RETURN_IF_ERROR(agent::OpenMissingStandardFds());
  if (command.empty()) {
    return InvalidArgumentError("no command; write it behind --: flexmig run -n 4 -- ./train");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const agent::JobSize size, ParseSize(flags.size));
  FLEXMIG_ASSIGN_OR_RETURN(const auto policy, alloc::MakePolicy(flags.policy));
  JobId job = agent::MakeJobId();
  if (!flags.job_id.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(job, Flag("--job-id", agent::ParseJobId(flags.job_id)));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(auto collectives,
                           JobCollectives::Prepare(flags.collectives, flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const agent::LeaseStore store, OpenLeases(node));
  FLEXMIG_ASSIGN_OR_RETURN(agent::SignalWatch signals, agent::SignalWatch::Create());

  FreshInventory inventory(*node.backend);
  std::optional<int> ended_by;
  auto lease = AcquireLeaves(flags, size, *policy, job, StrJoin(command, " "), inventory, store,
                             signals, ended_by);
  if (ended_by) return 128 + *ended_by;
  if (!lease.ok()) return lease.status();

  agent::GangSpec gang;
  FLEXMIG_ASSIGN_OR_RETURN(const mig::NodeInventory* leaves, inventory.Get());
  FLEXMIG_ASSIGN_OR_RETURN(const int port, agent::FindFreePort());
  FLEXMIG_ASSIGN_OR_RETURN(gang.ranks, agent::RanksOn(*leaves, job, lease->leaves(), port));
  if (flags.rank_per_node) TellRanksOfNodesOfTheirOwn(gang.ranks);
  FLEXMIG_RETURN_IF_ERROR(collectives.Apply(job.value(), gang.ranks, flags.verbose));
  gang.command = command;
  gang.prefix = !flags.no_prefix;
  gang.verbose = flags.verbose;
  if (node.attach) {
    const std::vector<mig::MigUuid> places = lease->leaves();
    gang.on_rank_started = [&node, places](Rank rank, pid_t pid) {
      return node.attach(places[static_cast<size_t>(rank.value())], pid);
    };
  }
  gang.on_ranks_gone = [&lease] { lease->Release(); };
  FLEXMIG_ASSIGN_OR_RETURN(const agent::GangResult result, agent::RunGang(gang, signals));
  if (!result.message.empty()) {
    std::fprintf(stderr, "flexmig run: %s\n", result.message.c_str());
  }
  return result.exit_code;
}

}  // namespace

std::vector<std::string> TakeCommand(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] != "run") return {};
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  if (mark == arguments.end()) return {};
  std::vector<std::string> command(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  return command;
}

void AddRunCommand(CLI::App& app, int& exit_code, const std::vector<std::string>& command) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App& run = *app.add_subcommand(
      "run", "Run one job on several leaves, a process on each: run -n 4 -- COMMAND");
  run.footer(
      "Ranks get torchrun's variables, CUDA_VISIBLE_DEVICES with exactly one MIG UUID, and "
      "FLEXMIG_*.\n"
      "Rank 0 has the standard input unless that is a terminal. When a rank fails, the others get\n"
      "SIGTERM, and SIGKILL a second later. Signals are forwarded; the ranks have 5 s to end, and "
      "a\n"
      "second signal kills at once. The exit code is the first failing rank's, 128 + signal if it "
      "was\n"
      "killed by one, 127 or 126 for a command that cannot be run.");
  AddBackendOption(run, flags->backend);
  AddSizeFlags(run, flags->size);
  AddPolicyFlag(run, flags->policy);
  AddCollectivesFlags(run, flags->collectives);
  run.add_flag("--rank-per-node", flags->rank_per_node,
               "LOCAL_RANK=0, LOCAL_WORLD_SIZE=1 and GROUP_RANK=RANK, for programs that take "
               "LOCAL_RANK for the number of their device");
  run.add_option("--job-id", flags->job_id, "Name of the job, unique on the node");
  auto* const no_wait =
      run.add_flag("--no-wait", flags->no_wait, "Exit with 3 instead of queueing for busy leaves");
  run.add_option("--wait-timeout", flags->wait_timeout,
                 "Give up the queue after this time, e.g. 10min, with exit code 5")
      ->excludes(no_wait);
  run.add_flag("--no-prefix", flags->no_prefix, "Pass output on as it is, without [rank]");
  run.add_flag("-v,--verbose", flags->verbose,
               "Say which rank runs on which leaf, and why which collectives");
  run.callback([flags, &command, &exit_code] {
    const auto result = Run(*flags, command);
    exit_code = result.ok() ? *result : Report(result.status());
  });
}

}  // namespace flexmig::app
