/* A program of C99 over the public header: what it says about sizes, and what the library that it
 * is linked with says about itself. */

#include <stdio.h>
#include <string.h>

#include "flexmig/nccl_abi/functions.h"

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      printf("%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                                            \
    }                                                                      \
  } while (0)

int main(void) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  ncclSimInfo_t info = NCCL_SIM_INFO_INITIALIZER;
  ncclUniqueId first;
  ncclUniqueId second;
  ncclComm_t comm = NCCL_COMM_NULL;
  ncclTeam_t team;
  int version = 0;
  int result;

  CHECK(sizeof(ncclUniqueId) == NCCL_UNIQUE_ID_BYTES && sizeof config == 80 && sizeof info == 24);
  CHECK(config.size == 80 && config.magic == 0xcafebeefu && config.blocking == INT_MIN);
  CHECK(config.nvlinkCentricSched == INT_MIN && config.commName == NULL);
  CHECK(info.size == 24 && info.estimatedTime < 0);
  CHECK(ncclMaxRedOp == INT_MAX && sizeof(ncclRedOp_t) == 4);

  CHECK(ncclGetVersion(&version) == ncclSuccess && version == NCCL_VERSION_CODE);
  CHECK(version == 22809);
  version = 0;
  CHECK(pncclGetVersion(&version) == ncclSuccess && version == 22809);
  CHECK(ncclGetUniqueId(&first) == ncclSuccess && ncclGetUniqueId(&second) == ncclSuccess);
  CHECK(memcmp(&first, &second, sizeof first) != 0);
  for (result = 0; result < (int)ncclNumResults; ++result) {
    CHECK(strlen(ncclGetErrorString((ncclResult_t)result)) > 0);
  }
  CHECK(ncclGetVersion(NULL) == ncclInvalidArgument);
  CHECK(strstr(ncclGetLastError(NULL), "ncclGetVersion") != NULL);
  CHECK(ncclCommDestroy(comm) == ncclSuccess);
  CHECK(ncclCommCount(comm, &version) == ncclInvalidArgument);
  CHECK(ncclCommInitRank(&comm, 2, first, 2) == ncclInvalidArgument && comm == NCCL_COMM_NULL);
  CHECK(ncclGroupEnd() == ncclInvalidUsage);
  CHECK(ncclGroupStart() == ncclSuccess && ncclGroupEnd() == ncclSuccess);
  CHECK(ncclGroupStart() == ncclSuccess && ncclGroupSimulateEnd(&info) == ncclInvalidUsage);
  CHECK(info.estimatedTime < 0 && ncclGroupEnd() == ncclInvalidUsage);
  team = ncclTeamWorld(NULL);
  CHECK(team.nRanks == 0 && ncclLLA2ACalcSlots(4, 8) == 0);
  printf("ok\n");
  return 0;
}
