// The small path of an operation as one kernel (exchange_kernel.h).
//
// Compiled by clang into PTX, without a toolkit: of CUDA only attributes are used, the rest are
// builtins and instructions. PTX ISA 7.0 for sm_80, which drivers from R450 on compile for the GPU
// that they find; GPUs with MIG are sm_80 or later.

#define FLEXMIG_DEVICE __attribute__((device)) __attribute__((always_inline)) inline
#include "exchange_copy.h"

namespace flexmig::device_kernels {

// Words that the host writes and reads at the same time: 64 bits, of system scope.
FLEXMIG_DEVICE void StoreRelease(Uint64* word, Uint64 value) {
  asm volatile("st.release.sys.u64 [%0], %1;" ::"l"(word), "l"(value) : "memory");
}
FLEXMIG_DEVICE Uint64 LoadAcquire(const Uint64* word) {
  Uint64 value;
  asm volatile("ld.acquire.sys.u64 %0, [%1];" : "=l"(value) : "l"(word) : "memory");
  return value;
}

// Until *done is at least `value`: true; or *abort is not 0: false.
FLEXMIG_DEVICE bool AwaitDone(const Uint64* done, Uint64 value, const Uint64* abort) {
  // A read of host memory takes about a microsecond anyway; pauses in between leave the link and
  // the memory to the copies of others.
  constexpr Uint32 kFirstPause = 32;  // ns
  constexpr Uint32 kLongestPause = 512;
  for (Uint32 pause = kFirstPause;; pause = pause < kLongestPause ? 2 * pause : pause) {
    if (LoadAcquire(done) >= value) return true;
    if (LoadAcquire(abort) != 0) return false;
    asm volatile("nanosleep.u32 %0;" ::"r"(pause));
  }
}

}  // namespace flexmig::device_kernels

extern "C" __attribute__((global)) void flexmig_exchange(
    const void* send, unsigned long long send_bytes, void* staging_in, unsigned long long* start,
    unsigned long long start_value, const unsigned long long* done, unsigned long long done_value,
    const unsigned long long* abort, void* receive, const void* staging_out,
    unsigned long long receive_bytes) {
  using namespace flexmig::device_kernels;
  const Uint32 thread = __nvvm_read_ptx_sreg_tid_x();
  const Uint32 threads = __nvvm_read_ptx_sreg_ntid_x();
  Copy(static_cast<Byte*>(staging_in), static_cast<const Byte*>(send), send_bytes, thread, threads);
  // What every thread has written, before thread 0 tells the host.
  asm volatile("fence.acq_rel.sys;" ::: "memory");
  __syncthreads();
  bool goes_on = true;
  if (thread == 0) {
    StoreRelease(start, start_value);
    goes_on = AwaitDone(done, done_value, abort);
  }
  // A barrier that tells all what thread 0 has found. What the host wrote before *done is visible
  // to that one by the acquire, and through the barrier to the others.
  if (__nvvm_bar0_and(goes_on) == 0) return;
  Copy(static_cast<Byte*>(receive), static_cast<const Byte*>(staging_out), receive_bytes, thread,
       threads);
}
