#include "kernels.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "context.h"
#include "transfer.h"

namespace flexmig::cuda_sim {
namespace {

using Parameters = std::vector<uint64_t>;

// A 64-bit word that others change; nullptr unless a device may use it.
uint64_t* WordAt(uint64_t address) {
  Place place;
  if (address % sizeof(uint64_t) != 0) return nullptr;
  if (LocateForDevice(address, sizeof(uint64_t), &place) != ResultCode::kSuccess) return nullptr;
  return reinterpret_cast<uint64_t*>(place.bytes);
}

uint64_t Load(uint64_t* word) {
  return std::atomic_ref<uint64_t>(*word).load(std::memory_order_acquire);
}

// flexmig_exchange(const void* send, uint64 send_bytes, void* staging_in, uint64* start,
//   uint64 start_value, const uint64* done, uint64 done_value, const uint64* abort, void* receive,
//   const void* staging_out, uint64 receive_bytes)
// Copies send to staging_in, writes *start, waits until *done >= done_value or *abort != 0, and
// copies staging_out to receive unless aborted.
ResultCode Exchange(Context& context, const Parameters& p) {
  const auto copy = [](uint64_t to, uint64_t from, uint64_t bytes) {
    if (bytes == 0) return ResultCode::kSuccess;
    Place target;
    Place source;
    if (const auto code = LocateForDevice(to, bytes, &target); code != ResultCode::kSuccess) {
      return code;
    }
    if (const auto code = LocateForDevice(from, bytes, &source); code != ResultCode::kSuccess) {
      return code;
    }
    Move(target, source, bytes);
    return ResultCode::kSuccess;
  };
  uint64_t* const start = WordAt(p[3]);
  uint64_t* const done = WordAt(p[5]);
  uint64_t* const abort = WordAt(p[7]);
  if (start == nullptr || done == nullptr || abort == nullptr) return ResultCode::kIllegalAddress;
  if (const auto code = copy(p[2], p[0], p[1]); code != ResultCode::kSuccess) return code;
  std::atomic_ref<uint64_t>(*start).store(p[4], std::memory_order_release);
  for (Backoff backoff; Load(done) < p[6]; backoff.Pause()) {
    if (Load(abort) != 0) return ResultCode::kSuccess;
    if (context.error() != ResultCode::kSuccess) return context.error();
  }
  return copy(p[8], p[9], p[10]);
}

// flexmig_sim_fill(uint32* to, uint32 value, uint64 words)
ResultCode Fill(Context&, const Parameters& p) {
  Place place;
  if (p[2] == 0) return ResultCode::kSuccess;
  if (p[2] > SIZE_MAX / sizeof(uint32_t) || p[0] % sizeof(uint32_t) != 0) {
    return ResultCode::kIllegalAddress;
  }
  const auto code = LocateForDevice(p[0], p[2] * sizeof(uint32_t), &place);
  if (code != ResultCode::kSuccess) return code;
  auto* const words = reinterpret_cast<uint32_t*>(place.bytes);
  for (uint64_t i = 0; i < p[2]; ++i) words[i] = static_cast<uint32_t>(p[1]);
  return ResultCode::kSuccess;
}

// flexmig_sim_busy(uint64 microseconds)
ResultCode Busy(Context&, const Parameters& p) {
  constexpr uint64_t kLongestUs = 60'000'000;
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(p[0], kLongestUs)));
  return ResultCode::kSuccess;
}

}  // namespace

const Kernel* FindKernel(std::string_view name) {
  static const auto* const kernels = new std::vector<Kernel>{
      {"flexmig_exchange", std::vector<size_t>(11, 8), Exchange},
      {"flexmig_sim_fill", {8, 4, 8}, Fill},
      {"flexmig_sim_busy", {8}, Busy},
  };
  for (const Kernel& kernel : *kernels) {
    if (name == kernel.name) return &kernel;
  }
  return nullptr;
}

}  // namespace flexmig::cuda_sim
