// Ampere boards. Read gpu_model.h for the columns; docs/reference/boards.md for how numbers were
// collected. Memory is what drivers print, in their steps of 64 MiB.

#include "tables.h"

namespace flexmig::mig {
namespace {

constexpr int kAt0[] = {0};
constexpr int kAt0To3By1[] = {0, 1, 2, 3};
constexpr int kAt0To6By1[] = {0, 1, 2, 3, 4, 5, 6};
constexpr int kAt0And2[] = {0, 2};
constexpr int kAt0To4By2[] = {0, 2, 4};
constexpr int kAt0To6By2[] = {0, 2, 4, 6};
constexpr int kAt0And4[] = {0, 4};

// NVIDIA A30 24GB

constexpr Source kA30Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"placements, SM, copy engines",
     "https://github.com/NVIDIA/go-nvml/tree/main/pkg/nvml/mock/gpus/a30.go"},
    {"profile ids, memory and placements from nvidia-smi mig -lgip/-lgipp captures (ids "
     "14/21/5/6/0)",
     "public notes and a public Go parser test, found by searching for the exact text; the index "
     "does not "
     "name the repository"},
    {"NVML reports wrong instance counts for A30, tools hard-code the table",
     "https://github.com/NVIDIA/mig-parted/blob/main/pkg/mig/discovery/discovery.go"},
};

constexpr Profile kA30Profiles[] = {
    {"1g.6gb", ProfileId(14), 0, 1, 1, Bytes::MiB(5952), 14, 1, 4, kAt0To3By1,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"1g.6gb+me", ProfileId(21), 7, 1, 1, Bytes::MiB(5952), 14, 1, 1, kAt0To3By1, MediaEngines::kMe,
     false, Confidence::kDriverCapture},
    {"2g.12gb", ProfileId(5), 1, 2, 2, Bytes::MiB(11968), 28, 2, 2, kAt0And2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"2g.12gb+me", ProfileId(6), 8, 2, 2, Bytes::MiB(11968), 28, 2, 1, kAt0And2, MediaEngines::kMe,
     false, Confidence::kDriverCapture},
    {"4g.24gb", ProfileId(0), 3, 4, 4, Bytes::MiB(24000), 56, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
};

// NVIDIA A100 40GB (SXM4, PCIe), A800-40GB

constexpr Source kA10040Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"placements, SM, copy engines",
     "https://github.com/NVIDIA/go-nvml/tree/main/pkg/nvml/mock/gpus/a100.go"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"driver listings (SM, memory, placements)",
     "public notes found by searching for the exact text"},
};

constexpr Profile kA10040Profiles[] = {
    {"1g.5gb", ProfileId(19), 0, 1, 1, Bytes::MiB(4864), 14, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"1g.5gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(4864), 14, 1, 1, kAt0To6By1, MediaEngines::kMe,
     false, Confidence::kDriverCapture},
    {"1g.10gb", ProfileId(15), 9, 1, 2, Bytes::MiB(9984), 14, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"2g.10gb", ProfileId(14), 1, 2, 2, Bytes::MiB(9984), 28, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"3g.20gb", ProfileId(9), 2, 3, 4, Bytes::MiB(20096), 42, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"4g.20gb", ProfileId(5), 3, 4, 4, Bytes::MiB(20096), 56, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
    {"7g.40gb", ProfileId(0), 4, 7, 8, Bytes::MiB(40448), 98, 7, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
};

// NVIDIA A100 80GB (SXM4, PCIe), A800-80GB

constexpr Source kA10080Sources[] = {
    {"names (A100-40 names scaled), engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"placements", "https://github.com/NVIDIA/go-nvml/tree/main/pkg/nvml/mock/gpus/a100.go"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"SM, memory, ids (driver listings incl. 1g.20gb)",
     "public notes found by searching for the exact text"},
};

constexpr Profile kA10080Profiles[] = {
    {"1g.10gb", ProfileId(19), 0, 1, 1, Bytes::MiB(9728), 14, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kVendorSource},
    {"1g.10gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(9728), 14, 1, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kVendorSource},
    {"1g.20gb", ProfileId(15), 9, 1, 2, Bytes::MiB(19968), 14, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kVendorSource},
    {"2g.20gb", ProfileId(14), 1, 2, 2, Bytes::MiB(19968), 28, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kVendorSource},
    {"3g.40gb", ProfileId(9), 2, 3, 4, Bytes::MiB(40192), 42, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kVendorSource},
    {"4g.40gb", ProfileId(5), 3, 4, 4, Bytes::MiB(40192), 56, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kVendorSource},
    {"7g.80gb", ProfileId(0), 4, 7, 8, Bytes::MiB(80896), 98, 7, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kVendorSource},
};

constexpr GpuModel kModels[] = {
    {"a30", "A30 24GB", Architecture::kAmpere, 56, 4, 4, true, kA30Profiles, kA30Sources},
    {"a100-40", "A100 40GB (SXM4, PCIe), A800-40GB", Architecture::kAmpere, 108, 7, 8, true,
     kA10040Profiles, kA10040Sources},
    {"a100-80", "A100 80GB (SXM4, PCIe), A800-80GB", Architecture::kAmpere, 108, 7, 8, true,
     kA10080Profiles, kA10080Sources},
};

}  // namespace

std::span<const GpuModel> AmpereModels() { return kModels; }

}  // namespace flexmig::mig
