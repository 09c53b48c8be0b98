// Events: changes of the MIG configuration, by whatever process, and Xids.

#include <chrono>
#include <optional>
#include <thread>

#include "flexmig/base/deadline.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::Decode;
using nvml_sim::Encode;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::Listener;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using nvml_sim::WithSession;
using simhw::SimBoard;
using simhw::SimEvent;
using simhw::SimOperation;

namespace {

constexpr uint64_t kOffered = kEventXidCriticalError | kEventMigConfigChange;
// Between two looks at the node's file while waiting: the delay that a listener sees.
constexpr std::chrono::milliseconds kLookEvery(10);

uint64_t TypeOf(const SimEvent& event) {
  return event.xid == 0 ? kEventMigConfigChange : kEventXidCriticalError;
}

uint32_t IdOrNone(int id) { return id < 0 ? kNoInstanceId : static_cast<uint32_t>(id); }

// The listener behind a handle, or null.
Listener* FindListener(Session& session, EventSet set) {
  const auto handle = Decode(set.handle);
  if (!handle || handle->kind != HandleKind::kEventSet) return nullptr;
  const auto found = session.listeners.find(handle->gpu);
  return found == session.listeners.end() ? nullptr : &found->second;
}

// The next event that the listener asked for, of the lowest GPU.
std::optional<EventData> Take(const simhw::NodeState& state, Listener& listener) {
  for (auto& [gpu, interest] : listener.interests) {
    for (const SimEvent& event : state[gpu].state().events) {
      if (event.number <= interest.last_number) continue;
      interest.last_number = event.number;
      if ((TypeOf(event) & interest.types) == 0) continue;
      EventData data{};
      data.device.handle = Encode({HandleKind::kGpu, gpu, 0, 0});
      data.event_type = TypeOf(event);
      data.event_data = static_cast<uint64_t>(event.xid);
      data.gpu_instance_id = IdOrNone(event.gpu_instance.value());
      data.compute_instance_id = IdOrNone(event.compute_instance.value());
      return data;
    }
  }
  return std::nullopt;
}

// One look. TIMEOUT if there is nothing.
Return Look(EventSet set, EventData* data) {
  return WithSession([&](Session& session) {
    Listener* listener = FindListener(session, set);
    if (listener == nullptr) return Return::kInvalidArgument;
    const auto state = session.machine().Peek();
    if (!state.ok()) return Return::kUnknown;
    const auto event = Take(*state, *listener);
    if (!event) return Return::kTimeout;
    *data = *event;
    return Return::kSuccess;
  });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetSupportedEventTypes(Device device, uint64_t* types) noexcept {
  return nvml_sim::QueryGpu(device, types,
                            [](const simhw::BoardSpec&, const SimBoard&) { return kOffered; });
}

Return nvmlEventSetCreate(EventSet* set) noexcept {
  if (set == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    if (session.listeners.size() > UINT8_MAX) return Return::kMemory;
    while (session.listeners.contains(session.next_number)) ++session.next_number;
    const uint8_t number = session.next_number++;
    session.listeners.emplace(number, Listener());
    set->handle = Encode({HandleKind::kEventSet, number, 0, 0});
    return Return::kSuccess;
  });
}

// Events from now on. Only GPUs have any.
Return nvmlDeviceRegisterEvents(Device device, uint64_t types, EventSet set) noexcept {
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session& session, const Handle& handle, const SimBoard& board) {
                     Listener* listener = FindListener(session, set);
                     if (listener == nullptr) return Return::kInvalidArgument;
                     if ((types & ~kOffered) != 0) return Return::kNotSupported;
                     const auto& events = board.state().events;
                     const uint64_t last = events.empty() ? 0 : events.back().number;
                     const auto [interest, is_new] = listener->interests.try_emplace(
                         handle.gpu, Listener::Interest{types, last});
                     if (!is_new) interest->second.types |= types;
                     return Return::kSuccess;
                   });
}

Return nvmlEventSetWait_v2(EventSet set, EventData* data, uint32_t timeout_ms) noexcept {
  if (data == nullptr) return Return::kInvalidArgument;
  try {
    const auto deadline = Deadline::After(std::chrono::milliseconds(timeout_ms));
    while (true) {
      const Return code = Look(set, data);
      if (code != Return::kTimeout || deadline.HasPassed()) return code;
      std::this_thread::sleep_for(deadline.Remaining(kLookEvery));
    }
  } catch (...) {
    return Return::kUnknown;
  }
}

Return nvmlEventSetWait(EventSet set, EventDataV1* data, uint32_t timeout_ms) noexcept {
  if (data == nullptr) return Return::kInvalidArgument;
  EventData event{};
  const Return code = nvmlEventSetWait_v2(set, &event, timeout_ms);
  if (code == Return::kSuccess) *data = {event.device, event.event_type, event.event_data};
  return code;
}

Return nvmlEventSetFree(EventSet set) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(set.handle);
    if (!handle || handle->kind != HandleKind::kEventSet) return Return::kInvalidArgument;
    return session.listeners.erase(handle->gpu) == 1 ? Return::kSuccess : Return::kInvalidArgument;
  });
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
