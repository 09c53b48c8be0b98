#include "config.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

namespace flexmig::nccl {
namespace {

// The caller's structure, cut or filled up to ours.
Result<ncclConfig_t> Complete(const ncclConfig_t& given) {
  if (given.magic != FLEXMIG_NCCL_CONFIG_MAGIC) {
    return InvalidArgumentError("ncclConfig_t was not set to NCCL_CONFIG_INITIALIZER");
  }
  // The smallest that there was has `blocking` as its only field.
  constexpr size_t kSmallest = offsetof(ncclConfig_t, blocking) + sizeof(int);
  // No version's is near this.
  constexpr size_t kLargest = 4096;
  if (given.size < kSmallest || given.size > kLargest) {
    return InvalidArgumentError(StrCat("ncclConfig_t says that it has ", given.size, " bytes"));
  }
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  // All fields have 4 or 8 bytes, and a half pointer is none.
  size_t known = std::min(given.size, sizeof config) / sizeof(int) * sizeof(int);
  for (const size_t pointer : {offsetof(ncclConfig_t, netName), offsetof(ncclConfig_t, commName)}) {
    if (known > pointer && known < pointer + sizeof(char*)) known = pointer;
  }
  std::memcpy(&config, &given, known);
  return config;
}

struct IntField {
  const char* name;
  int value;
  int min;
  int max;
};

}  // namespace

Result<Config> ParseConfig(const ncclConfig_t* config, const Config& inherited, std::string& told) {
  told.clear();
  Config parsed = inherited;
  if (config != nullptr) {
    FLEXMIG_ASSIGN_OR_RETURN(const ncclConfig_t given, Complete(*config));
    const IntField fields[] = {
        {"blocking", given.blocking, 0, 1},
        {"cgaClusterSize", given.cgaClusterSize, 0, 8},
        {"minCTAs", given.minCTAs, 1, INT_MAX},
        {"maxCTAs", given.maxCTAs, 1, INT_MAX},
        {"splitShare", given.splitShare, 0, 1},
        {"trafficClass", given.trafficClass, INT_MIN, INT_MAX},
        {"collnetEnable", given.collnetEnable, 0, 1},
        {"CTAPolicy", given.CTAPolicy, NCCL_CTA_POLICY_DEFAULT,
         NCCL_CTA_POLICY_EFFICIENCY | NCCL_CTA_POLICY_ZERO},
        {"shrinkShare", given.shrinkShare, 0, 1},
        {"nvlsCTAs", given.nvlsCTAs, 1, INT_MAX},
        {"nChannelsPerNetPeer", given.nChannelsPerNetPeer, 1, INT_MAX},
        {"nvlinkCentricSched", given.nvlinkCentricSched, 0, 1},
    };
    std::vector<std::string> without_effect;
    for (const IntField& field : fields) {
      if (field.value == NCCL_CONFIG_UNDEF_INT) continue;
      if (field.value < field.min || field.value > field.max) {
        return InvalidArgumentError(StrCat("ncclConfig_t.", field.name, " is ", field.value));
      }
      if (&field != fields) without_effect.push_back(StrCat(field.name, " ", field.value));
    }
    if (given.minCTAs != NCCL_CONFIG_UNDEF_INT && given.maxCTAs != NCCL_CONFIG_UNDEF_INT &&
        given.minCTAs > given.maxCTAs) {
      return InvalidArgumentError(
          StrCat("ncclConfig_t.minCTAs ", given.minCTAs, " is above maxCTAs ", given.maxCTAs));
    }
    if (given.blocking != NCCL_CONFIG_UNDEF_INT) parsed.blocking = given.blocking != 0;
    if (given.commName != nullptr) {
      constexpr size_t kLongestName = 255;
      parsed.name.assign(given.commName, ::strnlen(given.commName, kLongestName));
    }
    if (given.netName != nullptr) without_effect.emplace_back("netName");
    if (config->size > sizeof given) {
      without_effect.push_back(StrCat("fields of version ", given.version));
    }
    if (!without_effect.empty()) {
      told = StrCat("ncclConfig_t: no effect here, where no kernels or networks are used: ",
                    StrJoin(without_effect, ", "));
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t blocking,
                           GetEnvInt("NCCL_COMM_BLOCKING", parsed.blocking ? 1 : 0, 0, 1));
  parsed.blocking = blocking != 0;
  return parsed;
}

}  // namespace flexmig::nccl
