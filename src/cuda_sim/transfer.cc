#include "transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/uio.h>
#include <unistd.h>

namespace flexmig::cuda_sim {
namespace {

// Whether the first and the last byte are mapped. A client's wild pointer is an error then, most of
// the time, and not a crash in the library. Where the system forbids the question (containers with
// a strict filter), the answer is yes.
bool IsMapped(const void* address, size_t bytes) {
  char buffer[2];
  iovec local{buffer, sizeof buffer};
  auto* const first = const_cast<std::byte*>(static_cast<const std::byte*>(address));
  iovec remote[] = {{first, 1}, {first + bytes - 1, 1}};
  const ssize_t read = ::process_vm_readv(::getpid(), &local, 1, remote, 2, 0);
  return read == 2 || (read < 0 && errno != EFAULT);
}

}  // namespace

ResultCode Locate(uint64_t address, size_t bytes, Place* place) {
  Process& process = Process::Instance();
  auto* const pointer = reinterpret_cast<std::byte*>(address);
  if (Device* device = process.DeviceOf(address)) {
    const auto range = device->memory->Find(address);
    if (!range || range->base + range->bytes - address < bytes) return ResultCode::kInvalidValue;
    *place = {device->memory->Bytes(address), device, false};
    return ResultCode::kSuccess;
  }
  if (address == 0 || address + bytes < address) return ResultCode::kInvalidValue;
  if (const auto range = process.host_memory.Find(pointer)) {
    const auto left = static_cast<size_t>(range->base + range->bytes - pointer);
    *place = {pointer, nullptr, left >= bytes};
    return ResultCode::kSuccess;
  }
  if (bytes > 0 && !IsMapped(pointer, bytes)) return ResultCode::kInvalidValue;
  *place = {pointer, nullptr, false};
  return ResultCode::kSuccess;
}

ResultCode LocateForDevice(uint64_t address, size_t bytes, Place* place) {
  const ResultCode code = Locate(address, bytes, place);
  if (code != ResultCode::kSuccess || (place->device == nullptr && !place->is_pinned)) {
    return ResultCode::kIllegalAddress;
  }
  return ResultCode::kSuccess;
}

void Move(const Place& to, const Place& from, size_t bytes) {
  if (to.device == from.device) {
    if (bytes > 0) std::memmove(to.bytes, from.bytes, bytes);
    return;
  }
  Links& links = *Process::Instance().links();
  for (size_t done = 0; done < bytes;) {
    const size_t piece = std::min(bytes - done, links.piece_bytes());
    std::memcpy(to.bytes + done, from.bytes + done, piece);
    if (from.device != nullptr) links.Carry(from.device->info.gpu, Links::Direction::kUp, piece);
    if (to.device != nullptr) links.Carry(to.device->info.gpu, Links::Direction::kDown, piece);
    done += piece;
  }
}

}  // namespace flexmig::cuda_sim
