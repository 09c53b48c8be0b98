#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "flexmig/nccl_abi/types.h"

namespace flexmig::nccl {

class Comm;

// The communicators of this process by the handles that its callers hold. A handle is a number that
// looks like a pointer, is never dereferenced and never used again, so that null, wild and stale
// ones are invalid arguments and not crashes; and a communicator lives as long as a call uses it,
// also when another thread aborts it meanwhile.
//
// Threading: thread-safe, also around fork.
class Handles {
 public:
  // Of this process; never destroyed.
  static Handles& Get();

  [[nodiscard]] ncclComm_t Add(std::shared_ptr<Comm> comm);
  // Null if there is none.
  [[nodiscard]] std::shared_ptr<Comm> Find(ncclComm_t handle) const;
  // Null if there is none (any more): of several threads that remove one, one gets it.
  [[nodiscard]] std::shared_ptr<Comm> Remove(ncclComm_t handle);

 private:
  Handles();

  mutable std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Comm>> comms_;
  uint64_t next_ = 1;
};

}  // namespace flexmig::nccl
