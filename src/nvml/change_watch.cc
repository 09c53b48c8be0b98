#include "change_watch.h"

#include <cstring>

namespace flexmig::nvml {

using nvml_abi::Return;

ChangeWatch::ChangeWatch(const Library& library, const std::vector<Board>& boards)
    : library_(library) {
  const FunctionTable& f = library_.functions();
  if (f.event_wait == nullptr || f.event_set_free == nullptr) return;
  if (library_.Call(f.event_set_create, &set_) != Return::kSuccess) {
    set_ = {};
    return;
  }
  for (const Board& board : boards) {
    uint64_t types = 0;
    if (!board.has_mig ||
        library_.Call(f.supported_events, board.device, &types) != Return::kSuccess ||
        (types & nvml_abi::kEventMigConfigChange) == 0) {
      continue;
    }
    const uint64_t wanted = nvml_abi::kEventMigConfigChange;
    if (library_.Call(f.register_events, board.device, wanted, set_) == Return::kSuccess) {
      covered_.insert(board.uuid);
    }
  }
}

ChangeWatch::~ChangeWatch() {
  if (set_.handle != nullptr) {
    static_cast<void>(library_.Call(library_.functions().event_set_free, set_));
  }
}

std::set<mig::GpuUuid> ChangeWatch::TakeChanged() {
  std::set<mig::GpuUuid> changed;
  // More than a board can report between two calls; the bound is against a driver that never ends.
  constexpr int kMaxEvents = 10'000;
  for (int i = 0; i < kMaxEvents && !covered_.empty(); ++i) {
    nvml_abi::EventData event{};
    const uint32_t no_wait = 0;
    const Return code = library_.Call(library_.functions().event_wait, set_, &event, no_wait);
    if (code == Return::kTimeout) return changed;
    char uuid[nvml_abi::kUuidSize]{};
    const bool is_known =
        code == Return::kSuccess && library_.Call(library_.functions().uuid, event.device, &uuid[0],
                                                  uint32_t{sizeof uuid}) == Return::kSuccess;
    if (!is_known) break;
    changed.emplace(std::string(uuid, ::strnlen(uuid, sizeof uuid)));
  }
  if (covered_.empty()) return changed;
  changed = std::move(covered_);
  covered_.clear();
  return changed;
}

}  // namespace flexmig::nvml
