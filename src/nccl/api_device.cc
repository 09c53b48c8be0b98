// The host's side of NCCL's device interface: kernels that reach into other ranks' memory. Between
// leaves nothing can, so that all that would prepare for it is refused. What is asked about teams
// of ranks is answered as it is: everybody is in the world's team, and alone in the team of those
// whose memory can be loaded from and stored to (LSA).

#include <memory>

#include "api.h"
#include "border.h"

namespace flexmig::nccl {
namespace {

ncclResult_t Refuse(const char* function) noexcept {
  return Border(function, []() -> Status {
    return UnimplementedError(
        "Flex-MIG has no device interface: ranks cannot reach into each other's device memory");
  });
}

// `make` of this rank and the world's size; no ranks at all for a communicator that is not ready.
template <typename Make>
ncclTeam_t Team(ncclComm_t handle, const Make& make) noexcept {
  ncclTeam_t team{0, 0, 0};
  static_cast<void>(Border("ncclTeam", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    FLEXMIG_RETURN_IF_ERROR(comm->Initialized());
    team = make(comm->rank(), comm->world_size());
    return OkStatus();
  }));
  return team;
}

ncclTeam_t World(int rank, int world_size) { return {world_size, rank, 1}; }
ncclTeam_t Alone(int, int) { return {1, 0, 1}; }

// Where the team's member `member` stands in the numbering in which this rank is `self`.
int Place(ncclTeam_t team, int member, int self) noexcept {
  return self + (member - team.rank) * team.stride;
}

}  // namespace
}  // namespace flexmig::nccl

using namespace flexmig::nccl;  // NOLINT(google-build-using-namespace): the border's whole purpose

extern "C" {

ncclResult_t ncclDevCommCreate(ncclComm_t, ncclDevCommRequirements_t const*,
                               ncclDevComm_t*) noexcept {
  return Refuse("ncclDevCommCreate");
}
FLEXMIG_NCCL_ALIAS(DevCommCreate);

ncclResult_t ncclDevCommDestroy(ncclComm_t, ncclDevComm_t const*) noexcept {
  return Refuse("ncclDevCommDestroy");
}
FLEXMIG_NCCL_ALIAS(DevCommDestroy);

ncclTeam_t ncclTeamWorld(ncclComm_t comm) noexcept { return Team(comm, World); }
FLEXMIG_NCCL_ALIAS(TeamWorld);

ncclTeam_t ncclTeamLsa(ncclComm_t comm) noexcept { return Team(comm, Alone); }
FLEXMIG_NCCL_ALIAS(TeamLsa);

// One rank of each LSA team: everybody.
ncclTeam_t ncclTeamRail(ncclComm_t comm) noexcept { return Team(comm, World); }
FLEXMIG_NCCL_ALIAS(TeamRail);

int ncclTeamRankToWorld(ncclComm_t comm, ncclTeam_t team, int rank) noexcept {
  return Place(team, rank, Team(comm, World).rank);
}
FLEXMIG_NCCL_ALIAS(TeamRankToWorld);

int ncclTeamRankToLsa(ncclComm_t, ncclTeam_t team, int rank) noexcept {
  return Place(team, rank, 0);
}
FLEXMIG_NCCL_ALIAS(TeamRankToLsa);

ncclResult_t ncclLsaBarrierCreateRequirement(ncclTeam_t, int, ncclLsaBarrierHandle_t*,
                                             ncclDevResourceRequirements_t*) noexcept {
  return Refuse("ncclLsaBarrierCreateRequirement");
}
FLEXMIG_NCCL_ALIAS(LsaBarrierCreateRequirement);

ncclResult_t ncclGinBarrierCreateRequirement(ncclComm_t, ncclTeam_t, int, ncclGinBarrierHandle_t*,
                                             ncclDevResourceRequirements_t*) noexcept {
  return Refuse("ncclGinBarrierCreateRequirement");
}
FLEXMIG_NCCL_ALIAS(GinBarrierCreateRequirement);

// None can be had.
int ncclLLA2ACalcSlots(int, int) noexcept { return 0; }
FLEXMIG_NCCL_ALIAS(LLA2ACalcSlots);

ncclResult_t ncclLLA2ACreateRequirement(int, int, ncclLLA2AHandle_t*,
                                        ncclDevResourceRequirements_t*) noexcept {
  return Refuse("ncclLLA2ACreateRequirement");
}
FLEXMIG_NCCL_ALIAS(LLA2ACreateRequirement);

}  // extern "C"
