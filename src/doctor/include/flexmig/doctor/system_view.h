#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/partition/observed.h"
#include "flexmig/runtime/nccl_library.h"

namespace flexmig::doctor {

// A link of the PCIe bus as the kernel's files tell it: "16.0 GT/s PCIe" and lanes.
struct PciLink {
  std::string speed;
  std::string max_speed;
  int lanes = 0;
  int max_lanes = 0;
};

// A GPU and what is known about it.
struct GpuView {
  hw::GpuStatus status;
  // Its instances, or why they cannot be listed.
  Result<partition::ObservedGpu> observed = UnavailableError("not asked");
  std::optional<PciLink> link;  // nullopt: the kernel does not tell
  // The N of /dev/nvidiaN, of which the numbers of capability nodes are made.
  int device_minor = 0;
};

struct DriverInfo {
  std::string library;  // as it was asked for
  std::string version;  // "580.105.08"
};

// The boards, as a backend tells them.
struct BoardsView {
  std::string backend;  // "nvml", "sim:a100x1"
  bool is_simulated = false;
  Result<DriverInfo> driver = UnavailableError("not asked");  // not for simulated boards
  Result<std::vector<GpuView>> gpus = UnavailableError("not asked");
};

// A tmpfs.
struct SharedMemory {
  Bytes total;
  Bytes free;
};

// The machine around the boards, for the user who asks.
struct HostView {
  unsigned user = 0;  // effective user id
  // Names and minor numbers of the driver's capabilities, "gpu0/gi7/access" and 66; nullopt if the
  // driver's list is not there.
  std::optional<std::map<std::string, int>> capabilities;
  std::map<int, bool> capability_nodes;  // minor -> whether this user may open the node
  Result<SharedMemory> shared_memory = UnavailableError("not asked");  // /dev/shm
  std::optional<Bytes> locked_memory;  // soft limit; nullopt: unlimited
  int numa_nodes = 0;                  // 0: unknown
  Result<std::filesystem::path> state = UnavailableError("not asked");  // usable state folder
  Result<runtime::NcclLibrary> nccl = UnavailableError("not asked");
};

// Which library carries out a job's collectives. Not decided here: whoever starts jobs decides.
struct CollectivesDecision {
  std::string path;    // "hsm", "nccl", "none"
  std::string reason;  // for people
  std::string mend;    // of what keeps jobs from a better one; "": nothing does
};

// Everything that the checks look at; tests make it up.
struct SystemView {
  BoardsView boards;
  HostView host;
  std::optional<CollectivesDecision> collectives;
};

}  // namespace flexmig::doctor
