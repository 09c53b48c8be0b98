// mig-parted files, read and selected for a node of four A100s.
//
// Promises checked: no exception escapes; a refusal of the text is kInvalidArgument and names the
// file; what is accepted is the same after FormatMigParted and back; what a configuration asks of a
// GPU can exist on the board, in order of GPUs, each once.

#include <cstdint>
#include <string_view>
#include <vector>

#include "flexmig/base/check.h"
#include "flexmig/partition/mig_parted.h"

namespace flexmig::partition {
namespace {

std::vector<hw::GpuStatus> FourGpus() {
  std::vector<hw::GpuStatus> gpus(4);
  for (int i = 0; i < 4; ++i) {
    gpus[static_cast<size_t>(i)].index = mig::GpuIndex(i);
    gpus[static_cast<size_t>(i)].model = *mig::FindGpuModel("a100-40");
    gpus[static_cast<size_t>(i)].pci_device_id = i < 3 ? 0x20B010DE : 0x20B710DE;
  }
  return gpus;
}

void Check(std::string_view text) {
  static const std::vector<hw::GpuStatus> kGpus = FourGpus();
  const auto file = ParseMigParted(text, "file");
  if (!file.ok()) {
    FLEXMIG_CHECK(file.status().code() == StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(file.status().message().starts_with("file:"));
    return;
  }
  const auto again = ParseMigParted(FormatMigParted(*file), "file");
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->configs == file->configs);
  for (const auto& [name, rules] : file->configs) {
    const auto desired = SelectConfig(*file, name, kGpus);
    if (!desired.ok()) continue;
    int last = -1;
    for (const DesiredGpu& gpu : *desired) {
      FLEXMIG_CHECK(gpu.gpu.value() > last && gpu.gpu.value() < 4);
      FLEXMIG_CHECK(mig::PlaceCounts(*kGpus[0].model, gpu.instances).ok());
      last = gpu.gpu.value();
    }
  }
}

}  // namespace
}  // namespace flexmig::partition

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::partition::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
