// Hopper boards. Read gpu_model.h for the columns; docs/reference/boards.md for how numbers were
// collected. Memory is what drivers print, in their steps of 64 MiB.

#include "tables.h"

namespace flexmig::mig {
namespace {

constexpr int kAt0[] = {0};
constexpr int kAt0To6By1[] = {0, 1, 2, 3, 4, 5, 6};
constexpr int kAt0To4By2[] = {0, 2, 4};
constexpr int kAt0To6By2[] = {0, 2, 4, 6};
constexpr int kAt0And4[] = {0, 4};

// NVIDIA H100 80GB (SXM5, PCIe), H800-80GB

constexpr Source kH10080Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"SM, memory, copy engines (driver listing)", "https://jbarrow.ai/field_notes/nvidia-mig/"},
    {"placements (driver listing of an H100 80GB)",
     "public cloud start-up script and public notes, found by searching for the exact text"},
};

constexpr Profile kH10080Profiles[] = {
    {"1g.10gb", ProfileId(19), 0, 1, 1, Bytes::MiB(9984), 16, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"1g.10gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(9984), 16, 1, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kDriverCapture},
    {"1g.20gb", ProfileId(15), 9, 1, 2, Bytes::MiB(20096), 26, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"2g.20gb", ProfileId(14), 1, 2, 2, Bytes::MiB(20096), 32, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"3g.40gb", ProfileId(9), 2, 3, 4, Bytes::MiB(40448), 60, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"4g.40gb", ProfileId(5), 3, 4, 4, Bytes::MiB(40448), 64, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
    {"7g.80gb", ProfileId(0), 4, 7, 8, Bytes::MiB(81152), 132, 8, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
};

// NVIDIA H100 NVL 94GB / H100 SXM5 94GB / H800 NVL

constexpr Source kH10094Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids, SM, memory, engines and placements (driver listings of an H100 NVL cloud VM, driver "
     "560)",
     "public walk-through found by searching for the exact text"},
};

constexpr Profile kH10094Profiles[] = {
    {"1g.12gb", ProfileId(19), 0, 1, 1, Bytes::MiB(11008), 16, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"1g.12gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(11008), 16, 1, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kDriverCapture},
    {"1g.24gb", ProfileId(15), 9, 1, 2, Bytes::MiB(22144), 26, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"2g.24gb", ProfileId(14), 1, 2, 2, Bytes::MiB(22144), 32, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"3g.47gb", ProfileId(9), 2, 3, 4, Bytes::MiB(47488), 60, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kDriverCapture},
    {"4g.47gb", ProfileId(5), 3, 4, 4, Bytes::MiB(47488), 64, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
    {"7g.94gb", ProfileId(0), 4, 7, 8, Bytes::MiB(95360), 132, 8, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kDriverCapture},
};

// H100 96GB class (H100 on GH200, H20 96GB)

constexpr Source kH10096Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids, SM, memory (driver listing on a GH200 480GB)",
     "https://github.com/kf-cuanschutz/NVIDIA_Grace_Hopper_benchmarking_logs_"},
    {"3g.48gb at 0:4 and 4:4, 60 SM on GH200",
     "public notes found by searching for the exact text"},
    {"device ids",
     "https://github.com/NVIDIA/mig-parted/blob/main/deployments/systemd/config-default.yaml"},
};

constexpr Profile kH10096Profiles[] = {
    {"1g.12gb", ProfileId(19), 0, 1, 1, Bytes::MiB(11264), 16, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"1g.12gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(11264), 16, 1, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kInferred},
    {"1g.24gb", ProfileId(15), 9, 1, 2, Bytes::MiB(23552), 26, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"2g.24gb", ProfileId(14), 1, 2, 2, Bytes::MiB(23552), 32, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"3g.48gb", ProfileId(9), 2, 3, 4, Bytes::MiB(47616), 60, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"4g.48gb", ProfileId(5), 3, 4, 4, Bytes::MiB(47616), 64, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kInferred},
    {"7g.96gb", ProfileId(0), 4, 7, 8, Bytes::MiB(95232), 132, 8, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kInferred},
};

// NVIDIA H200 141GB (SXM5, NVL)

constexpr Source kH200141Sources[] = {
    {"names, engines, max instances",
     "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html"},
    {"ids",
     "https://github.com/GoogleCloudPlatform/container-engine-accelerators/blob/master/"
     "partition_gpu/partition_gpu.go"},
    {"SM and memory for 1g.18gb, 1g.35gb, 2g.35gb, 3g.71gb (driver 575 listing on an H200), 7g "
     "(parser fixture), 4g SM (benchmark log)",
     "public H200 build notes, a parser fixture and a benchmark repository, found by exact-string "
     "search"},
};

constexpr Profile kH200141Profiles[] = {
    {"1g.18gb", ProfileId(19), 0, 1, 1, Bytes::MiB(16384), 16, 1, 7, kAt0To6By1,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"1g.18gb+me", ProfileId(20), 7, 1, 1, Bytes::MiB(16384), 16, 1, 1, kAt0To6By1,
     MediaEngines::kMe, false, Confidence::kInferred},
    {"1g.35gb", ProfileId(15), 9, 1, 2, Bytes::MiB(33280), 26, 1, 4, kAt0To6By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"2g.35gb", ProfileId(14), 1, 2, 2, Bytes::MiB(33280), 32, 2, 3, kAt0To4By2,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"3g.71gb", ProfileId(9), 2, 3, 4, Bytes::MiB(71424), 60, 3, 2, kAt0And4,
     MediaEngines::kDefault, false, Confidence::kInferred},
    {"4g.71gb", ProfileId(5), 3, 4, 4, Bytes::MiB(71424), 64, 4, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kInferred},
    {"7g.141gb", ProfileId(0), 4, 7, 8, Bytes::MiB(143360), 132, 8, 1, kAt0, MediaEngines::kDefault,
     false, Confidence::kInferred},
};

constexpr GpuModel kModels[] = {
    {"h100-80", "H100 80GB (SXM5, PCIe), H800-80GB", Architecture::kHopper, 132, 7, 8, false,
     kH10080Profiles, kH10080Sources},
    {"h100-94", "H100 NVL 94GB / H100 SXM5 94GB / H800 NVL", Architecture::kHopper, 132, 7, 8,
     false, kH10094Profiles, kH10094Sources},
    {"h100-96", "H100 96GB class (H100 on GH200, H20 96GB)", Architecture::kHopper, 132, 7, 8,
     false, kH10096Profiles, kH10096Sources},
    {"h200-141", "H200 141GB (SXM5, NVL)", Architecture::kHopper, 132, 7, 8, false,
     kH200141Profiles, kH200141Sources},
};

}  // namespace

std::span<const GpuModel> HopperModels() { return kModels; }

}  // namespace flexmig::mig
