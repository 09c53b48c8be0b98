#include "flexmig/simhw/capability_tree.h"

#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

namespace fs = std::filesystem;

// nv-caps.c of NVIDIA's open kernel modules 595.45.04.
constexpr int kConfigMinor = 1;
constexpr int kMonitorMinor = 2;
constexpr int kFirstGpuMinor = 3;
constexpr int kGpus = 32;
constexpr int kGpuInstancesPerGpu = 15;
constexpr int kComputeInstancesPerGpuInstance = 8;
constexpr int kMinorsPerGpuInstance = 1 + kComputeInstancesPerGpuInstance;
constexpr int kMinorsPerGpu = kGpuInstancesPerGpu * kMinorsPerGpuInstance;

std::string MigMinors() {
  std::string text = StrCat("config ", kConfigMinor, "\nmonitor ", kMonitorMinor, "\n");
  for (int gpu = 0; gpu < kGpus; ++gpu) {
    for (int gi = 0; gi < kGpuInstancesPerGpu; ++gi) {
      const mig::GpuInstanceId instance(gi);
      const std::string name = StrCat("gpu", gpu, "/gi", gi);
      text += StrCat(name, "/access ", GpuInstanceMinor(gpu, instance), "\n");
      for (int ci = 0; ci < kComputeInstancesPerGpuInstance; ++ci) {
        text += StrCat(name, "/ci", ci, "/access ",
                       ComputeInstanceMinor(gpu, instance, mig::ComputeInstanceId(ci)), "\n");
      }
    }
  }
  return text;
}

Status MakeDirectories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return ErrnoError(error.value(), path.native());
  return OkStatus();
}

// Collects the files that there should be.
class Tree {
 public:
  explicit Tree(fs::path root) : root_(std::move(root)) {}

  // A capability: its file under /proc and its device node. Modes are decimal, as the driver
  // prints them: 256 is 0400, 292 is 0444.
  Status AddCapability(const fs::path& name, int minor, int mode) {
    const std::string text =
        StrCat("DeviceFileMinor: ", minor, "\nDeviceFileMode: ", mode, "\nDeviceFileModify: 1\n");
    FLEXMIG_RETURN_IF_ERROR(Add("proc/driver/nvidia/capabilities" / name, text));
    return Add(StrCat("dev/nvidia-caps/nvidia-cap", minor), "");
  }

  Status Add(const fs::path& name, const std::string& text) {
    const fs::path path = root_ / name;
    wanted_.insert(path);
    std::error_code ignored;
    if (fs::exists(path, ignored)) return OkStatus();  // a name's content never changes
    FLEXMIG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
    return WriteFileAtomically(path, text);
  }

  // Removes the other regular files in a folder of ours, and folders that are empty then. Real
  // device nodes are no regular files, should somebody name / as the root.
  void RemoveTheRest(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> extra;
    for (fs::recursive_directory_iterator entry(root_ / folder, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code ignored;
      if (entry->symlink_status(ignored).type() == fs::file_type::regular &&
          !wanted_.contains(entry->path())) {
        extra.push_back(entry->path());
      }
    }
    for (const fs::path& path : extra) {
      fs::remove(path, error);
      for (fs::path parent = path.parent_path(); parent != root_ && fs::remove(parent, error);) {
        parent = parent.parent_path();
      }
    }
  }

 private:
  const fs::path root_;
  std::set<fs::path> wanted_;
};

}  // namespace

int GpuInstanceMinor(int gpu_minor, mig::GpuInstanceId instance) {
  return kFirstGpuMinor + kMinorsPerGpu * gpu_minor + kMinorsPerGpuInstance * instance.value();
}

int ComputeInstanceMinor(int gpu_minor, mig::GpuInstanceId instance,
                         mig::ComputeInstanceId compute_instance) {
  return GpuInstanceMinor(gpu_minor, instance) + 1 + compute_instance.value();
}

Status WriteCapabilityTree(const fs::path& root, const NodeState& state) {
  constexpr int kOwnerReads = 256;
  constexpr int kAllRead = 292;
  Tree tree(root);
  FLEXMIG_RETURN_IF_ERROR(tree.Add("proc/driver/nvidia-caps/mig-minors", MigMinors()));
  FLEXMIG_RETURN_IF_ERROR(tree.AddCapability("mig/config", kConfigMinor, kOwnerReads));
  FLEXMIG_RETURN_IF_ERROR(tree.AddCapability("mig/monitor", kMonitorMinor, kAllRead));
  FLEXMIG_RETURN_IF_ERROR(tree.Add("dev/nvidiactl", ""));
  for (size_t i = 0; i < state.size(); ++i) {
    const auto minor = static_cast<int>(i);
    FLEXMIG_RETURN_IF_ERROR(tree.Add(StrCat("dev/nvidia", minor), ""));
    for (const SimInstance& instance : state[i].state().instances) {
      const auto gi = MakeGpuInstanceId(state[i].model(), instance.placed.placement);
      const fs::path name = StrCat("gpu", minor, "/mig/gi", gi.value());
      FLEXMIG_RETURN_IF_ERROR(
          tree.AddCapability(name / "access", GpuInstanceMinor(minor, gi), kAllRead));
      for (const SimComputeInstance& part : instance.compute_instances) {
        FLEXMIG_RETURN_IF_ERROR(tree.AddCapability(name / StrCat("ci", part.id.value()) / "access",
                                                   ComputeInstanceMinor(minor, gi, part.id),
                                                   kAllRead));
      }
    }
  }
  tree.RemoveTheRest("proc/driver/nvidia/capabilities");
  tree.RemoveTheRest("dev/nvidia-caps");
  return OkStatus();
}

}  // namespace flexmig::simhw
