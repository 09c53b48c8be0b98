// Where a device sits: NUMA nodes and CPUs, the way to other devices.

#include <algorithm>
#include <climits>
#include <cstring>

#include <unistd.h>

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::Decode;
using nvml_sim::Handle;
using nvml_sim::NotOffered;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using simhw::SimBoard;
using simhw::SimOperation;

namespace {

constexpr uint32_t kWordBits = sizeof(unsigned long) * CHAR_BIT;

// Sets the bits [first, end) of a set of `words` words and clears the rest. Bits that do not fit
// are left out, as NVML does it.
void SetBits(unsigned long* set, uint32_t words, uint64_t first, uint64_t end) {
  std::memset(set, 0, words * sizeof *set);
  for (uint64_t bit = first; bit < std::min<uint64_t>(end, uint64_t{words} * kWordBits); ++bit) {
    set[bit / kWordBits] |= 1UL << (bit % kWordBits);
  }
}

// The GPU behind both handles; the answer of WithBoard otherwise.
template <typename Body>
Return WithPair(Device a, Device b, const Body& body) {
  return WithBoard(a, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session& session, const Handle& first, const SimBoard&) {
                     const auto second = Decode(b.handle);
                     if (!second || second->kind != nvml_sim::HandleKind::kGpu ||
                         !session.machine().CheckGpu(second->gpu_index()).ok()) {
                       return Return::kInvalidArgument;
                     }
                     return body(session, first, *second);
                   });
}

}  // namespace

extern "C" {

// All CPUs of the machine that simulates: clients drop a GPU whose CPUs are not there.
Return nvmlDeviceGetCpuAffinity(Device device, uint32_t words, unsigned long* set) noexcept {
  if (set == nullptr || words == 0) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard&) {
                     const long cpus = std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF));
                     SetBits(set, words, 0, static_cast<uint64_t>(cpus));
                     return Return::kSuccess;
                   });
}
Return nvmlDeviceGetCpuAffinityWithinScope(Device device, uint32_t words, unsigned long* set,
                                           uint32_t scope) noexcept {
  if (scope > 1) return Return::kInvalidArgument;  // NUMA node or socket
  return nvmlDeviceGetCpuAffinity(device, words, set);
}

Return nvmlDeviceGetMemoryAffinity(Device device, uint32_t words, unsigned long* set,
                                   uint32_t scope) noexcept {
  if (set == nullptr || words == 0 || scope > 1) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session& session, const Handle& handle, const SimBoard&) {
                     const int node = session.board_spec(handle).numa_node;
                     if (node < 0) return Return::kNotSupported;
                     const auto bit = static_cast<uint64_t>(node);
                     SetBits(set, words, bit, bit + 1);
                     return Return::kSuccess;
                   });
}

// Only boards whose memory is a NUMA node of its own have one.
Return nvmlDeviceGetNumaNodeId(Device device, uint32_t* node) noexcept {
  return NotOffered(device, node);
}

Return nvmlDeviceGetTopologyCommonAncestor(Device a, Device b, uint32_t* level) noexcept {
  if (level == nullptr) return Return::kInvalidArgument;
  return WithPair(a, b, [&](Session& session, const Handle& first, const Handle& second) {
    constexpr uint32_t kInternal = 0;
    constexpr uint32_t kNode = 40;
    constexpr uint32_t kSystem = 50;
    if (first == second) {
      *level = kInternal;
    } else {
      const int node = session.board_spec(first).numa_node;
      *level = node == session.board_spec(second).numa_node ? kNode : kSystem;
    }
    return Return::kSuccess;
  });
}

Return nvmlDeviceGetP2PStatus(Device a, Device b, uint32_t, uint32_t* status) noexcept {
  if (status == nullptr) return Return::kInvalidArgument;
  return WithPair(a, b, [&](Session&, const Handle&, const Handle&) {
    constexpr uint32_t kNotSupported = 5;  // NVML_P2P_STATUS_NOT_SUPPORTED
    *status = kNotSupported;
    return Return::kSuccess;
  });
}

Return nvmlDeviceGetNvLinkState(Device device, uint32_t, uint32_t* active) noexcept {
  return NotOffered(device, active);
}
Return nvmlDeviceGetNvLinkRemotePciInfo_v2(Device device, uint32_t, PciInfo* pci) noexcept {
  return NotOffered(device, pci);
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
