#include "environment.h"

#include <algorithm>
#include <atomic>

#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

#include "debug_log.h"

namespace flexmig::nccl {
namespace {

struct Variable {
  std::string_view name;  // a prefix if it ends in '_'
  std::string_view why;   // it has no effect; "" if it has
};

constexpr std::string_view kNoKernels =
    "no kernels of NCCL's run: copy engines and the host's processors move and reduce";
constexpr std::string_view kNoNetwork = "all ranks are on one host: no network is used";
constexpr std::string_view kOneTransport =
    "ranks always exchange through host memory: there is no other transport to choose or to leave "
    "out";
constexpr std::string_view kNoBuffers =
    "the buffers are this library's own, with sizes of its own (FLEXMIG_SELECTION chooses what "
    "moves "
    "which size)";
constexpr std::string_view kNoPlugins = "plugins of NCCL are not loaded";
constexpr std::string_view kNoTopology =
    "no topology is searched: the host's memory is the only path";

// The first that fits counts.
constexpr Variable kVariables[] = {
    {"NCCL_DEBUG", ""},
    {"NCCL_DEBUG_FILE", ""},
    {"NCCL_DEBUG_SUBSYS", ""},
    {"NCCL_COMM_BLOCKING", ""},
    {"NCCL_COMM_ID", ""},
    {"NCCL_CHECK_POINTERS", ""},
    {"NCCL_SOCKET_IFNAME", ""},
    {"NCCL_HOSTID",
     "ranks find out themselves that they are on one host, and need no pretended hosts"},
    {"NCCL_MULTI_RANK_GPU_ENABLE", "several ranks on one GPU are always allowed, with a warning"},
    {"NCCL_P2P_", kOneTransport},
    {"NCCL_SHM_", kOneTransport},
    {"NCCL_NVLS_", kOneTransport},
    {"NCCL_MNNVL_", kOneTransport},
    {"NCCL_CUMEM_", kOneTransport},
    {"NCCL_NVB_", kOneTransport},
    {"NCCL_PXN_", kOneTransport},
    {"NCCL_WIN_", "windows are not offered"},
    {"NCCL_GIN_", "the device interface is not offered"},
    {"NCCL_IB_", kNoNetwork},
    {"NCCL_NET", kNoNetwork},
    {"NCCL_NET_", kNoNetwork},
    {"NCCL_SOCKET_", kNoNetwork},
    {"NCCL_NSOCKS_", kNoNetwork},
    {"NCCL_COLLNET_", kNoNetwork},
    {"NCCL_CROSS_NIC", kNoNetwork},
    {"NCCL_RINGS", kNoTopology},
    {"NCCL_GRAPH_MIXING_SUPPORT", "captured and other operations can always be mixed"},
    {"NCCL_GRAPH_", kNoTopology},
    {"NCCL_TOPO_", kNoTopology},
    {"NCCL_IGNORE_CPU_AFFINITY", "processor affinity is not changed"},
    {"NCCL_ALGO", "algorithms are this library's own (FLEXMIG_ALGORITHM forces one)"},
    {"NCCL_PROTO", "there are no protocols to choose from (FLEXMIG_ALGORITHM, FLEXMIG_SMALL)"},
    {"NCCL_NTHREADS", kNoKernels},
    {"NCCL_LL128_", kNoKernels},
    {"NCCL_LL_", kNoKernels},
    {"NCCL_MIN_", kNoKernels},
    {"NCCL_MAX_", kNoKernels},
    {"NCCL_NCHANNELS_", kNoKernels},
    {"NCCL_CGA_", kNoKernels},
    {"NCCL_CTA_", kNoKernels},
    {"NCCL_LAUNCH_", kNoKernels},
    {"NCCL_WORK_", kNoKernels},
    {"NCCL_PAT_", kNoKernels},
    {"NCCL_SYM_", kNoKernels},
    {"NCCL_STACK_SIZE_", kNoKernels},
    {"NCCL_BUFFSIZE", kNoBuffers},
    {"NCCL_CHUNK_", kNoBuffers},
    {"NCCL_LOCAL_REGISTER", "registered buffers are copied as all others are"},
    {"NCCL_GRAPH_REGISTER", "registered buffers are copied as all others are"},
    {"NCCL_TUNER_", kNoPlugins},
    {"NCCL_PROFILER_", kNoPlugins},
    {"NCCL_ENV_PLUGIN", kNoPlugins},
    {"NCCL_COMM_SPLIT_SHARE_RESOURCES", "communicators share no resources"},
    {"NCCL_COMM_SHRINK_SHARE_RESOURCES", "communicators share no resources"},
    {"NCCL_CONF_FILE", "configuration files of NCCL are not read"},
    {"NCCL_RAS_", "there is no RAS service"},
    {"NCCL_UID_STAGGER_", "ranks meet without a root to protect"},
    {"NCCL_OOB_NET_", kNoNetwork},
    {"NCCL_SET_", "this library's threads have names of their own"},
    {"NCCL_DEBUG_TIMESTAMP_", "messages carry no time"},
    {"NCCL_WARN_", "warnings of it are always on or do not exist"},
};

}  // namespace

Result<Settings> ReadSettings() {
  Settings settings;
  FLEXMIG_ASSIGN_OR_RETURN(settings.timeout, GetEnvDuration("FLEXMIG_TIMEOUT", settings.timeout));
  if (settings.timeout.count() <= 0) {
    return InvalidArgumentError("FLEXMIG_TIMEOUT: not above zero");
  }
  settings.fallback = GetEnv("FLEXMIG_NCCL_FALLBACK").value_or("");
  return settings;
}

std::string WhyWithoutEffect(std::string_view name) {
  for (const Variable& variable : kVariables) {
    const bool fits =
        variable.name.ends_with('_') ? name.starts_with(variable.name) : name == variable.name;
    if (!fits) continue;
    return variable.why.empty() ? "" : StrCat(name, " has no effect here: ", variable.why);
  }
  return StrCat(name, " has no effect here: this library does not know it");
}

std::vector<std::string> VariablesWithoutEffect() {
  std::vector<std::string> told;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with("NCCL_")) continue;
    std::string why = WhyWithoutEffect(text.substr(0, text.find('=')));
    if (!why.empty()) told.push_back(std::move(why));
  }
  std::sort(told.begin(), told.end());
  return told;
}

void TellVariablesOnce() {
  static std::atomic<bool> told{false};
  if (!LogsInfo(Subsystem::kEnvironment) || told.exchange(true)) return;
  for (const std::string& line : VariablesWithoutEffect()) {
    LogInfo(Subsystem::kEnvironment, -1, line);
  }
}

}  // namespace flexmig::nccl
