#include "flexmig/base/strings.h"

#include "api.h"
#include "border.h"
#include "group.h"

using flexmig::InvalidArgumentError;
using flexmig::OkStatus;
using flexmig::Status;
using flexmig::StrCat;
using flexmig::UnimplementedError;
using flexmig::nccl::Border;
using flexmig::nccl::Group;

extern "C" {

ncclResult_t ncclGroupStart() noexcept {
  return Border("ncclGroupStart", []() -> Status {
    Group::OfThisThread().Start();
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(GroupStart);

ncclResult_t ncclGroupEnd() noexcept {
  return Border("ncclGroupEnd", [] { return Group::OfThisThread().End(); });
}
FLEXMIG_NCCL_ALIAS(GroupEnd);

// The group ends as the caller wants it to, without being done; but there is no model here that
// could tell a time, and none is invented.
ncclResult_t ncclGroupSimulateEnd(ncclSimInfo_t* info) noexcept {
  return Border("ncclGroupSimulateEnd", [info]() -> Status {
    FLEXMIG_RETURN_IF_ERROR(Group::OfThisThread().Drop());
    if (info != nullptr && (info->magic != FLEXMIG_NCCL_SIM_INFO_MAGIC || info->size < 16)) {
      return InvalidArgumentError("ncclSimInfo_t was not set to NCCL_SIM_INFO_INITIALIZER");
    }
    return UnimplementedError("Flex-MIG does not estimate times; the group was ended undone");
  });
}
FLEXMIG_NCCL_ALIAS(GroupSimulateEnd);

}  // extern "C"
