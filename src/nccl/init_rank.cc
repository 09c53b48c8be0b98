// Communicators of ranks that have a unique id.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/cuda/driver.h"

#include "debug_log.h"
#include "device_transport.h"
#include "environment.h"
#include "fallback.h"
#include "group.h"
#include "handles.h"
#include "init.h"
#include "unique_id.h"

namespace flexmig::nccl {
namespace {

// All that the making of one rank needs, in whatever thread it happens.
struct Plan {
  const cuda::Driver* driver = nullptr;
  cuda::Context context{};
  int primary_of = -1;  // instead of `context`: the primary context of this device
  device::DeviceOptions options;
};

// As NCCL does it: by the first rank 0 of a process.
void TellVersionOnce() {
  static std::atomic<bool> told{false};
  if (LevelOfLog() >= LogLevel::kVersion && !told.exchange(true)) LogVersion();
}

Result<MadeTransport> Make(const Plan& plan, const std::shared_ptr<Comm>& comm) {
  if (plan.primary_of >= 0) {
    FLEXMIG_RETURN_IF_ERROR(plan.driver->Primary(plan.primary_of).status());
  } else {
    FLEXMIG_RETURN_IF_ERROR(plan.driver->SetCurrent(plan.context));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::DeviceFacts facts, plan.driver->Facts());
  if (plan.options.communicator.rank.value() == 0) TellVersionOnce();
  TellVariablesOnce();
  device::DeviceOptions options = plan.options;
  options.communicator.interrupted = [comm] { return comm->Wanted(); };
  MadeTransport made{nullptr, {plan.driver, facts.ordinal}};
  if (!comm->settings().fallback.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(made.transport, MakeFallbackTransport(comm->settings().fallback, facts,
                                                                   options.communicator));
  }
  if (made.transport == nullptr) {
    FLEXMIG_ASSIGN_OR_RETURN(made.transport, MakeDeviceTransport(*plan.driver, options));
  }
  LogInfo(Subsystem::kInit, facts.ordinal,
          StrCat("communicator ", comm->lineage(), " rank ", made.transport->rank(), " nranks ",
                 made.transport->world_size(), " on ", cuda::UuidText(facts), " (", facts.name,
                 ") - init complete"));
  return made;
}

device::DeviceOptions OptionsOf(const Meeting& meeting, int rank, int world_size,
                                const Settings& settings) {
  device::DeviceOptions options;
  options.communicator.rendezvous = meeting.rendezvous;
  options.communicator.secret = meeting.secret;
  options.communicator.rank = Rank(rank);
  options.communicator.world_size = world_size;
  options.communicator.timeout = settings.timeout;
  // NCCL waits for late ranks as long as it takes; models may be loaded before they come.
  options.communicator.connect_timeout = settings.timeout;
  return options;
}

CommJob JobOf(Plan plan, Config config, const Settings& settings, ncclComm_t* out) {
  const coll::CommunicatorOptions& meeting = plan.options.communicator;
  CommJob job;
  job.blocking = config.blocking;
  job.out = out;
  job.comm = std::make_shared<Comm>(std::move(config), settings, meeting.rendezvous,
                                    meeting.rank.value(), meeting.world_size, plan.primary_of);
  job.handle = Handles::Get().Add(job.comm);
  job.make = [plan = std::move(plan), comm = job.comm] { return Make(plan, comm); };
  return job;
}

}  // namespace

Result<ncclResult_t> InitRank(ncclComm_t* out, int world_size, std::span<const ncclUniqueId> ids,
                              int rank, const ncclConfig_t* given) {
  if (out == nullptr) return InvalidArgumentError("the pointer to the communicator is null");
  if (world_size < 1) return InvalidArgumentError(StrCat("nranks is ", world_size));
  if (rank < 0 || rank >= world_size) {
    return InvalidArgumentError(StrCat("rank ", rank, " is not below nranks ", world_size));
  }
  std::string told;
  FLEXMIG_ASSIGN_OR_RETURN(const Config config, ParseConfig(given, Config{}, told));
  FLEXMIG_ASSIGN_OR_RETURN(const Settings settings, ReadSettings());
  FLEXMIG_ASSIGN_OR_RETURN(const Meeting meeting, MeetingOf(ids));
  Plan plan;
  FLEXMIG_ASSIGN_OR_RETURN(plan.driver, cuda::Driver::Load());
  FLEXMIG_ASSIGN_OR_RETURN(plan.context, plan.driver->CurrentOrPrimary());
  plan.options = OptionsOf(meeting, rank, world_size, settings);
  if (!told.empty()) LogInfo(Subsystem::kEnvironment, -1, told);
  CommJob job = JobOf(std::move(plan), config, settings, out);
  *out = job.handle;
  return Group::OfThisThread().Add(std::move(job));
}

Result<ncclResult_t> InitAll(ncclComm_t* out, int count, const int* devices) {
  if (out == nullptr) return InvalidArgumentError("the pointer to the communicators is null");
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Driver* const driver, cuda::Driver::Load());
  FLEXMIG_ASSIGN_OR_RETURN(const int visible, driver->DeviceCount());
  if (count < 1 || (devices == nullptr && count > visible)) {
    return InvalidArgumentError(
        StrCat("communicators for ", count, " devices, and this process sees ", visible));
  }
  std::set<int> taken;
  for (int i = 0; i < count; ++i) {
    const int device = devices == nullptr ? i : devices[i];
    if (device < 0 || device >= visible) {
      return InvalidArgumentError(
          StrCat("device ", device, " is not one of the ", visible, " that this process sees"));
    }
    if (!taken.insert(device).second) {
      return FailedPreconditionError(StrCat("device ", device, " is named twice"));
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Settings settings, ReadSettings());
  FLEXMIG_ASSIGN_OR_RETURN(const ncclUniqueId id, MakeUniqueId());
  FLEXMIG_ASSIGN_OR_RETURN(const Meeting meeting, MeetingOf({&id, 1}));
  std::vector<CommJob> jobs;
  for (int i = 0; i < count; ++i) {
    Plan plan;
    plan.driver = driver;
    plan.primary_of = devices == nullptr ? i : devices[i];
    plan.options = OptionsOf(meeting, i, count, settings);
    jobs.push_back(JobOf(std::move(plan), Config{}, settings, &out[i]));
  }
  // A group of its own, or part of the open one.
  Group& group = Group::OfThisThread();
  group.Start();
  for (int i = 0; i < count; ++i) {
    CommJob& job = jobs[static_cast<size_t>(i)];
    out[i] = job.handle;
    // In a group nothing is done yet that could fail.
    static_cast<void>(group.Add(std::move(job)));
  }
  return group.End();
}

}  // namespace flexmig::nccl
