#pragma once

#include <string_view>

namespace flexmig::device_kernels {

// The kernel that carries a small operation between a GPU and a thread of the host, as PTX text:
// ISA 7.0 for sm_80. Empty if this was built without clang (option FLEXMIG_KERNELS).
//
//   flexmig_exchange(const void* send, uint64_t send_bytes, void* staging_in,
//                    uint64_t* start, uint64_t start_value,
//                    const uint64_t* done, uint64_t done_value, const uint64_t* abort,
//                    void* receive, const void* staging_out, uint64_t receive_bytes)
//
// copies `send` to `staging_in`, writes `start_value` to *start, waits until *done is at least
// `done_value` (unsigned), and copies `staging_out` to `receive`; unless *abort is not 0 before
// *done is reached, which leaves `receive` as it is. It takes the place of two copies, a write and
// a wait in the stream.
//
// All are addresses of the device, in its own memory or in pinned host memory, of which the kernel
// writes and reads in place. Whoever acquires `start_value` from *start sees all of `staging_in`;
// the kernel sees all of `staging_out` that was written before `done_value` was released to *done.
// Words are multiples of 8; buffers need no alignment, and are fastest where `send` and
// `staging_in`, and `receive` and `staging_out`, are apart by a multiple of 16. Where a count is 0,
// its two buffers may be null.
//
// To be launched as one block of 256 to 512 threads. It takes one SM from its begin to its end, and
// *done is polled all that time: not for GPUs whose other users' kernels have to run in turn for
// *done to be written.
[[nodiscard]] std::string_view ExchangeKernelPtx();
inline constexpr const char* kExchangeKernelName = "flexmig_exchange";

}  // namespace flexmig::device_kernels
