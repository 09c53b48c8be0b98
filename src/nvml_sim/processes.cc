// Who uses a device.

#include <vector>

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::CopyList;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using simhw::SimBoard;
using simhw::SimOperation;

namespace {

uint32_t IdOrNone(int id) { return id < 0 ? kNoInstanceId : static_cast<uint32_t>(id); }

std::vector<ProcessInfo> ProcessesOf(const SimBoard& board, const Handle& handle) {
  std::vector<ProcessInfo> infos;
  for (const simhw::SimProcess& process : board.state().processes) {
    const bool counts = handle.kind == HandleKind::kGpu ||
                        (process.gpu_instance == handle.gpu_instance_id() &&
                         process.compute_instance == handle.compute_instance_id());
    if (!counts) continue;
    infos.push_back(
        {static_cast<uint32_t>(process.pid), static_cast<uint64_t>(process.memory.count()),
         IdOrNone(process.gpu_instance.value()), IdOrNone(process.compute_instance.value())});
  }
  return infos;
}

template <typename Info, typename Convert>
Return List(Device device, uint32_t* count, Info* infos, const Convert& convert) {
  if (count == nullptr || (infos == nullptr && *count != 0)) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kListProcesses,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     const auto all = ProcessesOf(board, handle);
                     return CopyList(static_cast<uint32_t>(all.size()), infos, count, false,
                                     [&](uint32_t i) { return convert(all[i]); });
                   });
}

// Simulated boards have no graphics and no MPS clients.
Return ListNone(Device device, uint32_t* count) {
  if (count == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kListProcesses,
                   [&](Session&, const Handle&, const SimBoard&) {
                     *count = 0;
                     return Return::kSuccess;
                   });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, uint32_t* count,
                                               ProcessInfo* infos) noexcept {
  return List(device, count, infos, [](const ProcessInfo& info) { return info; });
}
Return nvmlDeviceGetComputeRunningProcesses_v2(Device device, uint32_t* count,
                                               ProcessInfo* infos) noexcept {
  return nvmlDeviceGetComputeRunningProcesses_v3(device, count, infos);
}
Return nvmlDeviceGetComputeRunningProcesses(Device device, uint32_t* count,
                                            ProcessInfoV1* infos) noexcept {
  return List(device, count, infos, [](const ProcessInfo& info) {
    return ProcessInfoV1{info.pid, info.used_gpu_memory};
  });
}

Return nvmlDeviceGetGraphicsRunningProcesses(Device device, uint32_t* count,
                                             ProcessInfoV1*) noexcept {
  return ListNone(device, count);
}
Return nvmlDeviceGetGraphicsRunningProcesses_v2(Device device, uint32_t* count,
                                                ProcessInfo*) noexcept {
  return ListNone(device, count);
}
Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, uint32_t* count,
                                                ProcessInfo*) noexcept {
  return ListNone(device, count);
}
Return nvmlDeviceGetMPSComputeRunningProcesses_v3(Device device, uint32_t* count,
                                                  ProcessInfo*) noexcept {
  return ListNone(device, count);
}

Return nvmlDeviceGetProcessUtilization(Device device, ProcessUtilizationSample*, uint32_t* count,
                                       uint64_t) noexcept {
  return nvml_sim::NotOffered(device, count);
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
