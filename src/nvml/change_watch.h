#pragma once

#include <set>
#include <string>
#include <vector>

#include "board.h"
#include "library.h"

namespace flexmig::nvml {

// Tells which GPUs' MIG configuration has changed, by whomever, since it was asked last.
// Threading: thread-compatible.
class ChangeWatch {
 public:
  // Watches the boards as far as the driver offers it. `library` outlives the watch.
  ChangeWatch(const Library& library, const std::vector<Board>& boards);
  ~ChangeWatch();
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;

  // Whether changes of this GPU are told at all.
  [[nodiscard]] bool Covers(const mig::GpuUuid& gpu) const { return covered_.contains(gpu); }
  // The GPUs that changed. If the driver stops telling, all of them, and none is covered any more.
  std::set<mig::GpuUuid> TakeChanged();

 private:
  const Library& library_;
  nvml_abi::EventSet set_;
  std::set<mig::GpuUuid> covered_;
};

}  // namespace flexmig::nvml
