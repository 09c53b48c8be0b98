// How communicators begin.

#include <span>
#include <type_traits>

#include "flexmig/base/strings.h"

#include "api.h"
#include "border.h"
#include "debug_log.h"
#include "group.h"
#include "init.h"
#include "unique_id.h"

namespace flexmig::nccl {
namespace {

// A call that makes communicators: its failure is its group's.
template <typename Body>
ncclResult_t MakingBorder(const char* function, const Body& body) noexcept {
  return Border(function, [&]() -> Result<ncclResult_t> {
    Result<ncclResult_t> result = body();
    if (!result.ok()) Group::OfThisThread().Fail(result.status());
    return result;
  });
}

}  // namespace
}  // namespace flexmig::nccl

using flexmig::InvalidArgumentError;
using flexmig::OkStatus;
using flexmig::Result;
using flexmig::Status;
using flexmig::StrCat;
using namespace flexmig::nccl;  // NOLINT(google-build-using-namespace): the border's whole purpose

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) noexcept {
  return Border("ncclGetUniqueId", [id]() -> Status {
    if (id == nullptr) return InvalidArgumentError("the pointer to the id is null");
    FLEXMIG_ASSIGN_OR_RETURN(*id, MakeUniqueId());
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(GetUniqueId);

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int world_size, ncclUniqueId id,
                              int rank) noexcept {
  return MakingBorder("ncclCommInitRank", [&] {
    return InitRank(comm, world_size, {&id, 1}, rank, nullptr);
  });
}
FLEXMIG_NCCL_ALIAS(CommInitRank);

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int world_size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) noexcept {
  return MakingBorder("ncclCommInitRankConfig", [&] {
    return InitRank(comm, world_size, {&id, 1}, rank, config);
  });
}
FLEXMIG_NCCL_ALIAS(CommInitRankConfig);

ncclResult_t ncclCommInitRankScalable(ncclComm_t* comm, int world_size, int rank, int id_count,
                                      ncclUniqueId* ids, ncclConfig_t* config) noexcept {
  return MakingBorder("ncclCommInitRankScalable", [&]() -> Result<ncclResult_t> {
    if (ids == nullptr) return InvalidArgumentError("the pointer to the ids is null");
    if (id_count < 1 || id_count > world_size) {
      return InvalidArgumentError(StrCat(id_count, " ids for ", world_size, " ranks"));
    }
    return InitRank(comm, world_size, {ids, static_cast<size_t>(id_count)}, rank, config);
  });
}
FLEXMIG_NCCL_ALIAS(CommInitRankScalable);

ncclResult_t ncclCommInitAll(ncclComm_t* comms, int device_count, const int* devices) noexcept {
  return MakingBorder("ncclCommInitAll", [&] { return InitAll(comms, device_count, devices); });
}
FLEXMIG_NCCL_ALIAS(CommInitAll);

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* child,
                           ncclConfig_t* config) noexcept {
  return MakingBorder("ncclCommSplit", [&] { return Split(comm, color, key, child, config); });
}
FLEXMIG_NCCL_ALIAS(CommSplit);

ncclResult_t ncclCommShrink(ncclComm_t comm, int* excluded, int excluded_count, ncclComm_t* child,
                            ncclConfig_t* config, int flags) noexcept {
  return MakingBorder("ncclCommShrink",
                      [&] { return Shrink(comm, excluded, excluded_count, child, config, flags); });
}
FLEXMIG_NCCL_ALIAS(CommShrink);

}  // extern "C"
