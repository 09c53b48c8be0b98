// Communicators made of others.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

#include "border.h"
#include "debug_log.h"
#include "group.h"
#include "handles.h"
#include "init.h"

namespace flexmig::nccl {
namespace {

// The child of `parent`, for a job; the parent's job has begun.
CommJob ChildJob(const std::shared_ptr<Comm>& parent, Config config, std::string lineage,
                 ncclComm_t* out) {
  CommJob job;
  job.blocking = config.blocking;
  job.out = out;
  job.parent = parent;
  job.comm = std::make_shared<Comm>(std::move(config), parent->settings(), std::move(lineage), -1,
                                    -1, parent->device());
  job.handle = Handles::Get().Add(job.comm);
  return job;
}

Result<MadeTransport> At(const Home& home, Result<std::unique_ptr<Transport>> transport) {
  if (!transport.ok()) return transport.status();
  return MadeTransport{*std::move(transport), home};
}

Result<ncclResult_t> AddJob(CommJob job) {
  *job.out = job.handle;
  return Group::OfThisThread().Add(std::move(job));
}

}  // namespace

Result<ncclResult_t> Split(ncclComm_t handle, int color, int key, ncclComm_t* out,
                           const ncclConfig_t* given) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> parent, FindComm(handle));
  if (out == nullptr) return InvalidArgumentError("the pointer to the communicator is null");
  if (color < 0 && color != NCCL_SPLIT_NOCOLOR) {
    return InvalidArgumentError(
        StrCat("color ", color, " is neither NCCL_SPLIT_NOCOLOR nor above it"));
  }
  std::string told;
  FLEXMIG_ASSIGN_OR_RETURN(Config config, ParseConfig(given, parent->config(), told));
  if (!told.empty()) LogInfo(Subsystem::kEnvironment, parent->device(), told);
  FLEXMIG_RETURN_IF_ERROR(parent->BeginJob());
  const std::string lineage = StrCat(parent->lineage(), "/", parent->NextChild(), "-", color);
  CommJob job;
  if (color == NCCL_SPLIT_NOCOLOR) {
    job.blocking = config.blocking;
    job.out = out;
    job.parent = parent;
  } else {
    job = ChildJob(parent, std::move(config), lineage, out);
  }
  job.make = [transport = parent->transport(), home = parent->home(), color, key,
              revoked = parent->is_revoked()]() -> Result<MadeTransport> {
    // A revoked communicator is dead: its ranks meet anew before they part.
    std::unique_ptr<Transport> whole;
    if (revoked) {
      FLEXMIG_ASSIGN_OR_RETURN(whole, transport->Shrink({}));
    }
    return At(home, (whole != nullptr ? *whole : *transport).Split(color, key));
  };
  return AddJob(std::move(job));
}

Result<ncclResult_t> Shrink(ncclComm_t handle, const int* excluded, int count, ncclComm_t* out,
                            const ncclConfig_t* given, int flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> parent, FindComm(handle));
  if (out == nullptr) return InvalidArgumentError("the pointer to the communicator is null");
  if (flags != NCCL_SHRINK_DEFAULT && flags != NCCL_SHRINK_ABORT) {
    return InvalidArgumentError(StrCat("shrinkFlags ", flags, " are none"));
  }
  FLEXMIG_RETURN_IF_ERROR(parent->Initialized());
  if (excluded == nullptr || count < 1 || count >= parent->world_size()) {
    return InvalidArgumentError(
        StrCat("ncclCommShrink of ", parent->world_size(), " ranks cannot leave out ", count));
  }
  std::vector<int> gone(excluded, excluded + count);
  for (const int rank : gone) {
    if (rank < 0 || rank >= parent->world_size() || rank == parent->rank()) {
      return InvalidArgumentError(StrCat("rank ", parent->rank(), " of ", parent->world_size(),
                                         " cannot leave out rank ", rank));
    }
  }
  std::string told;
  FLEXMIG_ASSIGN_OR_RETURN(Config config, ParseConfig(given, parent->config(), told));
  if (!told.empty()) LogInfo(Subsystem::kEnvironment, parent->device(), told);
  const bool aborts = flags == NCCL_SHRINK_ABORT;
  // Without the flag a communicator that has died is the caller's to notice.
  if (!aborts && !parent->is_revoked()) FLEXMIG_RETURN_IF_ERROR(parent->Usable());
  FLEXMIG_RETURN_IF_ERROR(parent->BeginJob());
  CommJob job = ChildJob(parent, std::move(config),
                         StrCat(parent->lineage(), "/", parent->NextChild(), "-x"), out);
  job.make = [transport = parent->transport(), home = parent->home(), gone = std::move(gone),
              aborts] {
    if (aborts) transport->Abort("ncclCommShrink with NCCL_SHRINK_ABORT");
    return At(home, transport->Shrink(gone));
  };
  return AddJob(std::move(job));
}

}  // namespace flexmig::nccl
