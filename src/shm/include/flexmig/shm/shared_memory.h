#pragma once

#include <cstddef>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/base/units.h"

namespace flexmig::shm {

// A piece of memory that several processes map: a memfd, so it has no name anywhere, is not on
// /dev/shm (and not bound by its size), and is gone with its last user however that one ends.
//
// Invariants: all pages exist (never SIGBUS); the size is sealed; data() is page-aligned, zero when
// created, and not mapped in children that this process forks.
class SharedMemory {
 public:
  // Errors: kResourceExhausted naming the bytes needed, before any is taken, if they exceed
  // QueryAvailableMemory or this process's file size limit; also if address space or descriptors do
  // not suffice. REQUIRES: bytes > 0.
  static Result<SharedMemory> Create(Bytes bytes);

  // Maps what another process created and sent as a descriptor.
  // Errors: kDataLoss if it is not a sealed memfd; kResourceExhausted as Create.
  static Result<SharedMemory> Attach(UniqueFd fd);

  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] Bytes size() const { return size_; }

  // For sending to another process; -1 after CloseDescriptor. The mapping does not need it.
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  void CloseDescriptor() { fd_.Reset(); }
  // The mapping stays when this object goes, until the process ends: a device may still use it.
  void KeepMapped() { keep_mapped_ = true; }

 private:
  static Result<SharedMemory> Map(UniqueFd fd, Bytes size);

  UniqueFd fd_;
  std::byte* data_ = nullptr;
  Bytes size_;
  bool keep_mapped_ = false;
  int owner_process_ = 0;  // a forked child has no mapping to remove
};

}  // namespace flexmig::shm
