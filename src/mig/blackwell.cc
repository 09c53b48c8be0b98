// Blackwell boards. Read gpu_model.h for the columns; docs/reference/boards.md for how numbers were
// collected. Memory is what drivers print, in their steps of 64 MiB.

#include "tables.h"

namespace flexmig::mig {
namespace {

constexpr int kAt0[] = {0};
constexpr int kAt0To6By1[] = {0, 1, 2, 3, 4, 5, 6};
constexpr int kAt0To4By2[] = {0, 2, 4};
constexpr int kAt0To6By2[] = {0, 2, 4, 6};
constexpr int kAt0To9By3[] = {0, 3, 6, 9};
constexpr int kAt0And4[] = {0, 4};
constexpr int kAt0And6[] = {0, 6};

// NVIDIA B200 180GB

constexpr Source kB200Sources[] = {
    {"names, engines, copy engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"4 of 8 memory slices for 3g.90gb",
     "https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu/blob/main/cmd/gpu-kubelet-plugin/"
     "partitions.go"},
    {"1g.23gb = 18 SM", "a public kernel library's device table for 'NVIDIA B200 MIG 1g.23gb'"},
    {"memory, SMs and copy engines of 1g, wide 1g and 2g (driver listings)",
     "https://github.com/NVIDIA/mig-parted/pull/166"},
};

constexpr Profile kB200Profiles[] = {
    {"1g.23gb", ProfileId(19), 0, 1, 1, Bytes::MiB(22528), 18, 2, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"1g.23gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(22528), 18, 2, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kInferred},
    {"1g.45gb", ProfileId(15), 9, 1, 2, Bytes::MiB(45312), 30, 4, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"2g.45gb", ProfileId(14), 1, 2, 2, Bytes::MiB(45312), 36, 4, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"3g.90gb", ProfileId(9), 2, 3, 4, std::nullopt, std::nullopt, 6, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"4g.90gb", ProfileId(5), 3, 4, 4, std::nullopt, std::nullopt, 8, 1, kAt0,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"7g.180gb", ProfileId(0), 4, 7, 8, std::nullopt, std::nullopt, 16, 1, kAt0,
     MediaEngines::kDefault, false, Confidence::kInferred},
};

// RTX PRO 6000 Blackwell (Server, Workstation, Max-Q), 96GB

constexpr Source kRtxPro6000Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"ids, SM, memory, placements (driver listings on a Server Edition board)",
     "public MIG-on-Kubernetes walk-through, cross-checked with a second public notes file"},
};

constexpr Profile kRtxPro6000Profiles[] = {
    {"1g.24gb", ProfileId(14), 0, 1, 3, Bytes::MiB(24192), 46, 1, 4, kAt0To9By3,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"1g.24gb+me", ProfileId(21), 7, 1, 3, Bytes::MiB(24192), 46, 1, 1, kAt0To9By3,
     MediaEngines::kMe, false, Confidence::kDriverCapture},
    {"1g.24gb+gfx", ProfileId(47), 10, 1, 3, Bytes::MiB(24192), 46, 1, 4, kAt0To9By3,
     MediaEngines::kDefault, true, Confidence::kInferred},
    {"1g.24gb+me.all", ProfileId(65), 15, 1, 3, Bytes::MiB(24192), 46, 1, 1, kAt0To9By3,
     MediaEngines::kMeAll, false, Confidence::kDriverCapture},
    {"1g.24gb-me", ProfileId(67), 13, 1, 3, Bytes::MiB(24192), 46, 1, 4, kAt0To9By3,
     MediaEngines::kNone, false, Confidence::kDriverCapture},
    {"2g.48gb", ProfileId(5), 1, 2, 6, Bytes::MiB(48512), 94, 2, 2, kAt0And6,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"2g.48gb+gfx", ProfileId(35), 11, 2, 6, Bytes::MiB(48512), 94, 2, 2, kAt0And6,
     MediaEngines::kDefault, true, Confidence::kInferred},
    {"2g.48gb+me.all", ProfileId(64), 16, 2, 6, Bytes::MiB(48512), 94, 2, 1, kAt0And6,
     MediaEngines::kMeAll, false, Confidence::kDriverCapture},
    {"2g.48gb-me", ProfileId(66), 14, 2, 6, Bytes::MiB(48512), 94, 2, 2, kAt0And6,
     MediaEngines::kNone, false, Confidence::kDriverCapture},
    {"4g.96gb", ProfileId(0), 3, 4, 12, Bytes::MiB(97408), 188, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
    {"4g.96gb+gfx", ProfileId(32), 12, 4, 12, Bytes::MiB(97408), 188, 4, 1, kAt0,
     MediaEngines::kDefault, true, Confidence::kInferred},
};

constexpr GpuModel kModels[] = {
    {"b200", "B200 180GB", Architecture::kBlackwell, 148, 7, 8, false, kB200Profiles, kB200Sources},
    {"rtx-pro-6000", "RTX PRO 6000 Blackwell (Server, Workstation, Max-Q), 96GB",
     Architecture::kBlackwell, 188, 4, 12, false, kRtxPro6000Profiles, kRtxPro6000Sources},
};

}  // namespace

std::span<const GpuModel> BlackwellModels() { return kModels; }

}  // namespace flexmig::mig
