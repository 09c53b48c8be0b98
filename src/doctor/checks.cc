#include "flexmig/doctor/checks.h"

#include <algorithm>
#include <iterator>

#include "flexmig/base/strings.h"

namespace flexmig::doctor {
namespace {

Findings Ok(std::string_view check, std::string what) {
  return {{std::string(check), Level::kOk, std::move(what), ""}};
}
Findings Warn(std::string_view check, std::string what, std::string mend) {
  return {{std::string(check), Level::kWarn, std::move(what), std::move(mend)}};
}
Findings Fail(std::string_view check, std::string what, std::string mend) {
  return {{std::string(check), Level::kFail, std::move(what), std::move(mend)}};
}

void Append(Findings& findings, Findings more) {
  std::ranges::move(more, std::back_inserter(findings));
}

// "1 board", "2 boards".
std::string Count(size_t count, std::string_view noun) {
  return StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string NameOf(const GpuView& gpu) { return StrCat("GPU ", gpu.status.index.value()); }
bool HasMig(const GpuView& gpu) { return !gpu.status.model->profiles.empty(); }

// The GPUs that have MIG; none if they cannot be listed.
std::vector<const GpuView*> Capable(const BoardsView& boards) {
  std::vector<const GpuView*> capable;
  if (!boards.gpus.ok()) return capable;
  for (const GpuView& gpu : *boards.gpus) {
    if (HasMig(gpu)) capable.push_back(&gpu);
  }
  return capable;
}

// "535.161.07" as numbers; missing parts are 0, what is no number ends it.
std::vector<int64_t> VersionNumbers(std::string_view version) {
  std::vector<int64_t> numbers;
  for (const std::string_view part : StrSplit(version, '.')) {
    const auto number = ParseInt(part, 0, 1'000'000);
    if (!number.ok()) break;
    numbers.push_back(*number);
  }
  return numbers;
}

// The first drivers that can do MIG on a board: NVIDIA's MIG user guide, supported GPUs.
struct FirstDriver {
  std::string_view model;
  std::string_view version;
};
constexpr FirstDriver kFirstDrivers[] = {
    {"a100-40", "450.80.02"},  {"a100-80", "450.80.02"}, {"a30", "460.73.01"},
    {"h100-80", "525.85.12"},  {"h100-94", "525.85.12"}, {"h100-96", "525.85.12"},
    {"h200-141", "550.90.07"}, {"b200", "570.133.20"},   {"rtx-pro-6000", "575.51.03"}};

// Since this one a MIG device has a UUID of its own; CUDA and Slurm tell leaves apart by it.
constexpr std::string_view kFirstWithUuids = "470.42.01";

}  // namespace

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kOk: return "ok";
    case Level::kWarn: return "warn";
    case Level::kFail: return "fail";
  }
  FLEXMIG_CHECK(false && "a Level outside its enumeration");
}

Findings CheckDriver(const BoardsView& boards) {
  constexpr std::string_view kCheck = "driver";
  if (boards.is_simulated) return Ok(kCheck, StrCat("none: ", boards.backend, " is simulated"));
  if (!boards.driver.ok()) {
    return Fail(kCheck, boards.driver.status().message(),
                "install NVIDIA's driver, or name its library in FLEXMIG_NVML_PATH; in a "
                "container start it with the driver's utility capability");
  }
  const auto version = VersionNumbers(boards.driver->version);
  for (const GpuView* gpu : Capable(boards)) {
    for (const FirstDriver& first : kFirstDrivers) {
      if (first.model != gpu->status.model->key || version >= VersionNumbers(first.version)) {
        continue;
      }
      return Warn(kCheck,
                  StrCat("version ", boards.driver->version, " is older than MIG on ",
                         gpu->status.model->product),
                  StrCat("install driver ", first.version, " or newer"));
    }
  }
  const std::string what =
      StrCat("version ", boards.driver->version, " in ", boards.driver->library);
  if (version < VersionNumbers(kFirstWithUuids)) {
    return Warn(kCheck, StrCat(what, "; its MIG devices have no UUIDs of their own"),
                StrCat("install driver ", kFirstWithUuids, " or newer"));
  }
  return Ok(kCheck, what);
}

Findings CheckBoards(const BoardsView& boards) {
  constexpr std::string_view kCheck = "boards";
  if (!boards.gpus.ok()) {
    if (!boards.is_simulated && !boards.driver.ok()) return {};
    return Fail(kCheck, boards.gpus.status().message(),
                "nvidia-smi should list the GPUs as well; look for Xid lines in the kernel's log");
  }
  if (boards.gpus->empty()) {
    return Fail(kCheck, "no GPU is visible",
                "in a container pass the GPUs on; else look at lspci and the kernel's log");
  }
  std::vector<std::string> names;
  std::vector<std::string> others;
  for (const GpuView& gpu : *boards.gpus) {
    const std::string name(gpu.status.model->product);
    auto& list = HasMig(gpu) ? names : others;
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  const size_t capable = Capable(boards).size();
  if (capable == 0) {
    return Fail(kCheck, StrCat("none has MIG: ", StrJoin(others, ", ")),
                "MIG needs an A30, A100, H100, H200, B200, RTX PRO 6000 or a sibling of them");
  }
  return Ok(kCheck, StrCat(Count(capable, "board"), " with MIG: ", StrJoin(names, ", "),
                           others.empty() ? "" : StrCat("; without MIG: ", StrJoin(others, ", "))));
}

Findings CheckMode(const BoardsView& boards) {
  constexpr std::string_view kCheck = "mode";
  const auto capable = Capable(boards);
  if (capable.empty()) return {};
  Findings findings;
  size_t on = 0;
  std::vector<std::string> off;
  for (const GpuView* gpu : capable) {
    const hw::GpuStatus& status = gpu->status;
    if (status.mig_enabled != status.mig_enabled_pending) {
      Append(findings, Warn(kCheck,
                            StrCat(NameOf(*gpu), ": switching MIG ",
                                   status.mig_enabled_pending ? "on" : "off",
                                   " waits for a reset of the GPU"),
                            StrCat("end what uses it and run `nvidia-smi --gpu-reset -i ",
                                   status.pci_bus_id, "`, or reboot")));
    } else if (status.mig_enabled) {
      ++on;
    } else {
      off.push_back(StrCat(status.index.value()));
    }
  }
  if (!off.empty()) {
    Append(findings,
           Warn(kCheck,
                StrCat("MIG is off on ", off.size() == 1 ? "GPU " : "GPUs ", StrJoin(off, ", ")),
                StrCat("`flexmig apply", off.size() == capable.size() ? "" : " --gpu ",
                       off.size() == capable.size() ? "" : StrJoin(off, ","),
                       "` switches it on and makes leaves")));
  }
  if (findings.empty()) {
    return Ok(kCheck, StrCat("MIG is on on all ", Count(on, "board")));
  }
  return findings;
}

Findings CheckLeaves(const BoardsView& boards) {
  constexpr std::string_view kCheck = "leaves";
  const auto capable = Capable(boards);
  size_t leaves = 0;
  size_t bare = 0;
  size_t gpus = 0;
  for (const GpuView* gpu : capable) {
    if (!gpu->observed.ok()) return {};  // the permissions' matter
    size_t of_gpu = 0;
    for (const auto& instance : gpu->observed->instances) {
      instance.device ? ++of_gpu : ++bare;
    }
    leaves += of_gpu;
    gpus += of_gpu > 0 ? 1 : 0;
  }
  if (capable.empty()) return {};
  if (bare > 0) {
    return Warn(
        kCheck,
        StrCat(leaves, " leaves, and ", Count(bare, "GPU instance"), " without compute instance"),
        "`flexmig apply` repairs them");
  }
  if (leaves == 0) return Warn(kCheck, "there are none", "`flexmig apply` makes them");
  return Ok(kCheck, StrCat(leaves, " on ", Count(gpus, "GPU")));
}

Findings CheckPermissions(const SystemView& system) {
  constexpr std::string_view kCheck = "permissions";
  if (!system.boards.gpus.ok()) return {};
  Findings findings;
  for (const GpuView& gpu : *system.boards.gpus) {
    if (gpu.observed.ok()) continue;
    const Status& status = gpu.observed.status();
    if (status.code() == StatusCode::kPermissionDenied) {
      return Fail(kCheck,
                  StrCat(NameOf(gpu), ": user ", system.host.user,
                         " may not list MIG instances: ", status.message()),
                  "run as root, or let the user read /dev/nvidia-caps/nvidia-cap1 (mig/config)");
    }
    Append(findings, Fail(kCheck, StrCat(NameOf(gpu), ": ", status.message()),
                          "look for Xid lines in the kernel's log"));
  }
  if (!findings.empty()) return findings;
  const bool may_change =
      system.boards.is_simulated || system.host.user == 0 ||
      (system.host.capability_nodes.contains(1) && system.host.capability_nodes.at(1));
  if (may_change) return Ok(kCheck, "this user may list and change MIG instances");
  return Warn(kCheck, StrCat("user ", system.host.user, " may not change MIG instances"),
              "for `flexmig apply` run as root, or let the user read "
              "/dev/nvidia-caps/nvidia-cap1 (mig/config)");
}

Findings CheckCapabilityNodes(const SystemView& system) {
  constexpr std::string_view kCheck = "capability nodes";
  const auto& host = system.host;
  size_t leaves = 0;
  std::vector<std::string> missing;
  std::vector<std::string> denied;
  const auto look = [&](const std::string& capability) {
    const auto minor = host.capabilities->find(capability);
    const auto node = minor == host.capabilities->end() ? host.capability_nodes.end()
                                                        : host.capability_nodes.find(minor->second);
    if (node == host.capability_nodes.end()) {
      missing.push_back(minor == host.capabilities->end()
                            ? capability
                            : StrCat("/dev/nvidia-caps/nvidia-cap", minor->second));
    } else if (!node->second) {
      denied.push_back(StrCat("/dev/nvidia-caps/nvidia-cap", minor->second));
    }
  };
  for (const GpuView* gpu : Capable(system.boards)) {
    if (!gpu->observed.ok()) continue;
    for (const auto& instance : gpu->observed->instances) {
      if (!instance.device) continue;
      ++leaves;
      if (!host.capabilities) continue;
      const std::string gi = StrCat("gpu", gpu->device_minor, "/gi", instance.id.value());
      look(gi + "/access");
      look(StrCat(gi, "/ci", instance.device->compute_instance.value(), "/access"));
    }
  }
  if (leaves == 0) return {};
  if (!host.capabilities) {
    if (system.boards.is_simulated) return Ok(kCheck, "simulated boards need none");
    return Warn(kCheck, "the driver does not list them (no /proc/driver/nvidia-caps/mig-minors)",
                "in a container ask for the driver's files with the NVIDIA container toolkit");
  }
  if (!missing.empty()) {
    return Fail(kCheck, StrCat(Count(missing.size(), "node"), " missing, e.g. ", missing[0]),
                "`nvidia-modprobe -f FILE` makes one, with its file under "
                "/proc/driver/nvidia/capabilities; in a container pass them on");
  }
  if (!denied.empty()) {
    return Fail(kCheck,
                StrCat("user ", host.user, " may not open ", Count(denied.size(), "node"),
                       ", e.g. ", denied[0]),
                "give the user's group read access to them");
  }
  return Ok(kCheck, StrCat("both of each of ", Count(leaves, "MIG device"), " can be opened"));
}

Findings Examine(const SystemView& system) {
  Findings findings;
  Append(findings, CheckDriver(system.boards));
  Append(findings, CheckBoards(system.boards));
  Append(findings, CheckMode(system.boards));
  Append(findings, CheckLeaves(system.boards));
  Append(findings, CheckPermissions(system));
  Append(findings, CheckCapabilityNodes(system));
  Append(findings, CheckState(system.host));
  Append(findings, CheckSharedMemory(system.host));
  Append(findings, CheckLockedMemory(system.host));
  Append(findings, CheckTopology(system));
  Append(findings, CheckNccl(system.host));
  Append(findings, CheckCollectives(system));
  return findings;
}

bool IsHealthy(const Findings& findings) {
  return std::ranges::none_of(findings,
                              [](const Finding& finding) { return finding.level == Level::kFail; });
}

}  // namespace flexmig::doctor
