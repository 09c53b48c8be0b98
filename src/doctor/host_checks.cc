// What the host contributes: memory, places, libraries.

#include <algorithm>
#include <iterator>

#include "flexmig/base/strings.h"
#include "flexmig/doctor/checks.h"

namespace flexmig::doctor {
namespace {

// Container runtimes give 64 MB by default, which NCCL fills with a few ranks.
constexpr Bytes kEnoughSharedMemory = Bytes::GiB(1);
// A few staging buffers; 8 MiB is the kernel's default limit since 5.16, 64 KiB that before.
constexpr Bytes kEnoughLockedMemory = Bytes::MiB(64);

Finding Make(std::string_view check, Level level, std::string what, std::string mend = "") {
  return {std::string(check), level, std::move(what), std::move(mend)};
}

std::string DescribePlace(const GpuView& gpu) {
  const hw::GpuStatus& status = gpu.status;
  const std::string numa =
      status.numa_node < 0 ? "unknown NUMA node" : StrCat("NUMA node ", status.numa_node);
  std::string text = StrCat("GPU ", status.index.value(), " at ", status.pci_bus_id, ", ", numa);
  if (gpu.link) text += StrCat(", ", gpu.link->speed, " x", gpu.link->lanes);
  return text;
}

}  // namespace

Findings CheckState(const HostView& host) {
  constexpr std::string_view kCheck = "state";
  if (host.state.ok()) return {Make(kCheck, Level::kOk, host.state->native())};
  return {Make(kCheck, Level::kFail, host.state.status().message(),
               "name a folder of your own in FLEXMIG_STATE_DIR")};
}

Findings CheckSharedMemory(const HostView& host) {
  constexpr std::string_view kCheck = "/dev/shm";
  constexpr std::string_view kWhoCares =
      "flexmig's own collectives do not use it, NCCL's shared memory does: ";
  if (!host.shared_memory.ok()) {
    return {Make(kCheck, Level::kWarn, host.shared_memory.status().message(),
                 StrCat(kWhoCares, "mount a tmpfs there"))};
  }
  const std::string what = StrCat(FormatBytes(host.shared_memory->free), " of ",
                                  FormatBytes(host.shared_memory->total), " free");
  if (host.shared_memory->free >= kEnoughSharedMemory) return {Make(kCheck, Level::kOk, what)};
  return {Make(kCheck, Level::kWarn, what,
               StrCat(kWhoCares, "free some, or give the container more (docker run --shm-size)"))};
}

Findings CheckLockedMemory(const HostView& host) {
  constexpr std::string_view kCheck = "memlock";
  if (!host.locked_memory) return {Make(kCheck, Level::kOk, "unlimited")};
  const std::string what = StrCat("at most ", FormatBytes(*host.locked_memory));
  if (*host.locked_memory >= kEnoughLockedMemory) return {Make(kCheck, Level::kOk, what)};
  return {Make(kCheck, Level::kWarn, what,
               "RDMA and some pinned buffers need more: `ulimit -l unlimited`, "
               "LimitMEMLOCK=infinity in a unit, docker run --ulimit memlock=-1")};
}

Findings CheckTopology(const SystemView& system) {
  constexpr std::string_view kCheck = "NUMA and PCIe";
  if (!system.boards.gpus.ok()) return {};
  Findings findings;
  for (const GpuView& gpu : *system.boards.gpus) {
    const std::string what = DescribePlace(gpu);
    if (gpu.link && gpu.link->lanes < gpu.link->max_lanes) {
      findings.push_back(Make(kCheck, Level::kWarn,
                              StrCat(what, ": the link could have ", gpu.link->max_lanes, " lanes"),
                              "reseat the board, or look at the slot's and riser's lanes"));
    } else if (gpu.status.numa_node < 0 && system.host.numa_nodes > 1) {
      findings.push_back(Make(kCheck, Level::kWarn, what,
                              "the firmware does not tell where the GPU is; leaves of one job may "
                              "lie on several sockets"));
    } else {
      findings.push_back(Make(kCheck, Level::kOk, what));
    }
  }
  return findings;
}

Findings CheckNccl(const HostView& host) {
  constexpr std::string_view kCheck = "NCCL";
  if (!host.nccl.ok()) {
    return {Make(kCheck, Level::kWarn, host.nccl.status().message(),
                 "flexmig's own collectives do without; for NCCL install it, put its folder into "
                 "LD_LIBRARY_PATH, or name it with --nccl")};
  }
  const runtime::NcclLibrary& library = *host.nccl;
  const std::string where = StrCat(library.path.native(), " (", library.found_by, ")");
  if (!library.version) {
    return {Make(kCheck, Level::kWarn, StrCat("no version in ", where),
                 "it may be another library under NCCL's name; --nccl names another file")};
  }
  return {
      Make(kCheck, Level::kOk, StrCat(library.version->ToString(), library.build, " in ", where))};
}

Findings CheckCollectives(const SystemView& system) {
  if (!system.collectives) return {};
  const CollectivesDecision& decision = *system.collectives;
  return {Make("collectives", decision.mend.empty() ? Level::kOk : Level::kWarn,
               StrCat(decision.path, ": ", decision.reason), decision.mend)};
}

}  // namespace flexmig::doctor
