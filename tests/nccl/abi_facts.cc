// Prints numbers, sizes and offsets of NCCL's C interface, from our header, or, with
// FLEXMIG_REAL_NCCL, from NCCL's own: the same lines, if ours is right. Both programs are compared
// by real_header.sh. With NCCL's own header, our functions are declared once more over its types,
// so that a different signature does not compile.

#include <cstddef>
#include <cstdio>

#ifdef FLEXMIG_REAL_NCCL
#include <nccl.h>
#include <nccl_device/core.h>
#include <nccl_device/gin_barrier.h>
#include <nccl_device/ll_a2a.h>
#include <nccl_device/lsa_barrier.h>
#define FLEXMIG_NCCL_HAS_TYPES
#define FLEXMIG_NCCL_NOEXCEPT
#endif
#include "flexmig/nccl_abi/functions.h"

namespace {

#define VALUE(name) std::printf(#name " %lld\n", static_cast<long long>(name))
#define SIZE(type) std::printf(#type " %zu %zu\n", sizeof(type), alignof(type))
#define FIELD(type, field)                                          \
  std::printf(#type "." #field " %zu %zu\n", offsetof(type, field), \
              sizeof(static_cast<type*>(nullptr)->field))

void PrintValues() {
  VALUE(NCCL_VERSION_CODE), VALUE(NCCL_MAJOR), VALUE(NCCL_MINOR), VALUE(NCCL_PATCH);
  VALUE(NCCL_UNIQUE_ID_BYTES), VALUE(NCCL_CONFIG_UNDEF_INT), VALUE(NCCL_SPLIT_NOCOLOR);
  VALUE(NCCL_SHRINK_DEFAULT), VALUE(NCCL_SHRINK_ABORT), VALUE(NCCL_REVOKE_DEFAULT);
  VALUE(NCCL_WIN_DEFAULT), VALUE(NCCL_WIN_COLL_SYMMETRIC), VALUE(NCCL_WIN_REQUIRED_ALIGNMENT);
  VALUE(NCCL_CTA_POLICY_DEFAULT), VALUE(NCCL_CTA_POLICY_EFFICIENCY), VALUE(NCCL_CTA_POLICY_ZERO);
  VALUE(NCCL_UNDEF_FLOAT);
  VALUE(ncclSuccess), VALUE(ncclUnhandledCudaError), VALUE(ncclSystemError);
  VALUE(ncclInternalError), VALUE(ncclInvalidArgument), VALUE(ncclInvalidUsage);
  VALUE(ncclRemoteError), VALUE(ncclInProgress), VALUE(ncclNumResults);
  VALUE(ncclSum), VALUE(ncclProd), VALUE(ncclMax), VALUE(ncclMin), VALUE(ncclAvg);
  VALUE(ncclNumOps), VALUE(ncclMaxRedOp);
  VALUE(ncclInt8), VALUE(ncclChar), VALUE(ncclUint8), VALUE(ncclInt32), VALUE(ncclInt);
  VALUE(ncclUint32), VALUE(ncclInt64), VALUE(ncclUint64), VALUE(ncclFloat16), VALUE(ncclHalf);
  VALUE(ncclFloat32), VALUE(ncclFloat), VALUE(ncclFloat64), VALUE(ncclDouble);
  VALUE(ncclBfloat16), VALUE(ncclFloat8e4m3), VALUE(ncclFloat8e5m2), VALUE(ncclNumTypes);
  VALUE(ncclScalarDevice), VALUE(ncclScalarHostImmediate);
}

void PrintLayouts() {
  SIZE(ncclUniqueId), SIZE(ncclConfig_t), SIZE(ncclSimInfo_t), SIZE(ncclTeam_t);
  SIZE(ncclResult_t), SIZE(ncclRedOp_t), SIZE(ncclDataType_t), SIZE(ncclScalarResidence_t);
  SIZE(ncclComm_t), SIZE(ncclWindow_t);
  FIELD(ncclConfig_t, size), FIELD(ncclConfig_t, magic), FIELD(ncclConfig_t, version);
  FIELD(ncclConfig_t, blocking), FIELD(ncclConfig_t, cgaClusterSize);
  FIELD(ncclConfig_t, minCTAs), FIELD(ncclConfig_t, maxCTAs), FIELD(ncclConfig_t, netName);
  FIELD(ncclConfig_t, splitShare), FIELD(ncclConfig_t, trafficClass);
  FIELD(ncclConfig_t, commName), FIELD(ncclConfig_t, collnetEnable);
  FIELD(ncclConfig_t, CTAPolicy), FIELD(ncclConfig_t, shrinkShare);
  FIELD(ncclConfig_t, nvlsCTAs), FIELD(ncclConfig_t, nChannelsPerNetPeer);
  FIELD(ncclConfig_t, nvlinkCentricSched);
  FIELD(ncclSimInfo_t, size), FIELD(ncclSimInfo_t, magic), FIELD(ncclSimInfo_t, version);
  FIELD(ncclSimInfo_t, estimatedTime);
  FIELD(ncclTeam_t, nRanks), FIELD(ncclTeam_t, rank), FIELD(ncclTeam_t, stride);
}

void PrintInitializers() {
  const ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  VALUE(config.size), VALUE(config.magic), VALUE(config.version), VALUE(config.blocking);
  VALUE(config.cgaClusterSize), VALUE(config.minCTAs), VALUE(config.maxCTAs);
  VALUE(config.netName == nullptr), VALUE(config.splitShare), VALUE(config.trafficClass);
  VALUE(config.commName == nullptr), VALUE(config.collnetEnable), VALUE(config.CTAPolicy);
  VALUE(config.shrinkShare), VALUE(config.nvlsCTAs), VALUE(config.nChannelsPerNetPeer);
  VALUE(config.nvlinkCentricSched);
  const ncclSimInfo_t info = NCCL_SIM_INFO_INITIALIZER;
  VALUE(info.size), VALUE(info.magic), VALUE(info.version), VALUE(info.estimatedTime);
}

}  // namespace

int main() {
  PrintValues();
  PrintLayouts();
  PrintInitializers();
  return 0;
}
