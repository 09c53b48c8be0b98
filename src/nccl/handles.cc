#include "handles.h"

#include <utility>

#include <pthread.h>

#include "comm.h"

namespace flexmig::nccl {
namespace {

// "FMNC" in the upper half: no address that a process can have.
constexpr uint64_t kMark = 0x464D'4E43'0000'0000;

uint64_t KeyOf(ncclComm_t handle) { return reinterpret_cast<uint64_t>(handle) ^ kMark; }

}  // namespace

Handles& Handles::Get() {
  static Handles& handles = *new Handles;
  return handles;
}

Handles::Handles() {
  // A child may be forked while another thread holds the lock; it would never get it.
  ::pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                   [] { Get().mutex_.unlock(); });
}

ncclComm_t Handles::Add(std::shared_ptr<Comm> comm) {
  const std::lock_guard lock(mutex_);
  const uint64_t key = next_++;
  comms_.emplace(key, std::move(comm));
  return reinterpret_cast<ncclComm_t>(key ^ kMark);
}

std::shared_ptr<Comm> Handles::Find(ncclComm_t handle) const {
  const std::lock_guard lock(mutex_);
  const auto found = comms_.find(KeyOf(handle));
  return found == comms_.end() ? nullptr : found->second;
}

std::shared_ptr<Comm> Handles::Remove(ncclComm_t handle) {
  const std::lock_guard lock(mutex_);
  const auto found = comms_.find(KeyOf(handle));
  if (found == comms_.end()) return nullptr;
  std::shared_ptr<Comm> comm = std::move(found->second);
  comms_.erase(found);
  return comm;
}

}  // namespace flexmig::nccl
