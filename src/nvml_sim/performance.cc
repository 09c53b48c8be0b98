// Performance monitoring. Simulated boards compute nothing, so none of them offers metrics; the
// calls are there because clients ask before they use them.

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Decode;
using nvml_sim::Encode;
using nvml_sim::HandleKind;
using nvml_sim::NotOffered;
using nvml_sim::Session;
using nvml_sim::WithSession;

extern "C" {

Return nvmlGpmQueryDeviceSupport(Device device, GpmSupport* support) noexcept {
  if (support == nullptr) return Return::kInvalidArgument;
  if (support->version != kGpmSupportVersion) return Return::kArgumentVersionMismatch;
  return nvml_sim::QueryGpu(
      device, &support->is_supported_device,
      [](const simhw::BoardSpec&, const simhw::SimBoard&) { return uint32_t{0}; });
}

Return nvmlGpmSampleAlloc(GpmSample* sample) noexcept {
  if (sample == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    if (session.gpm_samples.size() > UINT8_MAX) return Return::kMemory;
    while (session.gpm_samples.contains(session.next_number)) ++session.next_number;
    const uint8_t number = session.next_number++;
    session.gpm_samples.insert(number);
    sample->handle = Encode({HandleKind::kGpmSample, number, 0, 0});
    return Return::kSuccess;
  });
}

Return nvmlGpmSampleFree(GpmSample sample) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(sample.handle);
    if (!handle || handle->kind != HandleKind::kGpmSample) return Return::kInvalidArgument;
    return session.gpm_samples.erase(handle->gpu) == 1 ? Return::kSuccess
                                                       : Return::kInvalidArgument;
  });
}

Return nvmlGpmSampleGet(Device device, GpmSample sample) noexcept {
  return NotOffered(device, sample.handle);
}
Return nvmlGpmMigSampleGet(Device device, uint32_t, GpmSample sample) noexcept {
  return NotOffered(device, sample.handle);
}
Return nvmlGpmMetricsGet(void* metrics) noexcept {
  if (metrics == nullptr) return Return::kInvalidArgument;
  return WithSession([](Session&) { return Return::kNotSupported; });
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
