#pragma once

// The copies of exchange_kernel.cu, which also compile for the processor, where they are tested.
// FLEXMIG_DEVICE is what a function of the device is declared with.

namespace flexmig::device_kernels {

using Uint32 = unsigned int;
using Uint64 = unsigned long long;
using Uint32x4 = Uint32 __attribute__((vector_size(16)));
using Byte = unsigned char;

// By thread `thread` of `threads`: its share of the elements that `bytes` hold. Neighbours take
// neighbours, so that a warp's accesses become whole lines. kAtOnce loads are under way at once:
// one takes about a microsecond across the link.
template <typename T, Uint32 kAtOnce>
FLEXMIG_DEVICE void CopyElements(Byte* to, const Byte* from, Uint64 bytes, Uint32 thread,
                                 Uint32 threads) {
  T* const to_elements = reinterpret_cast<T*>(to);
  const T* const from_elements = reinterpret_cast<const T*>(from);
  const Uint64 count = bytes / sizeof(T);
  for (Uint64 first = thread; first < count; first += Uint64{kAtOnce} * threads) {
    T values[kAtOnce] = {};
#pragma GCC unroll 4
    for (Uint32 i = 0; i < kAtOnce; ++i) {
      const Uint64 at = first + Uint64{i} * threads;
      if (at < count) values[i] = from_elements[at];
    }
#pragma GCC unroll 4
    for (Uint32 i = 0; i < kAtOnce; ++i) {
      const Uint64 at = first + Uint64{i} * threads;
      if (at < count) to_elements[at] = values[i];
    }
  }
}

// In elements of T between what is aligned for them, and bytes before and behind.
// REQUIRES: the buffers are aligned for T at the same places.
template <typename T>
FLEXMIG_DEVICE void CopyAligned(Byte* to, const Byte* from, Uint64 bytes, Uint32 thread,
                                Uint32 threads) {
  const Uint64 before = -reinterpret_cast<Uint64>(from) % sizeof(T);
  const Uint64 head = before < bytes ? before : bytes;
  const Uint64 body = (bytes - head) / sizeof(T) * sizeof(T);
  const Uint64 end = head + body;
  CopyElements<Byte, 1>(to, from, head, thread, threads);
  CopyElements<T, 4>(to + head, from + head, body, thread, threads);
  CopyElements<Byte, 1>(to + end, from + end, bytes - end, thread, threads);
}

// By all threads together, each calling it once: in elements of 16 bytes, or of 4, where both
// buffers can be aligned for them at once; else in single bytes. Null pointers are allowed where
// `bytes` is 0.
FLEXMIG_DEVICE void Copy(Byte* to, const Byte* from, Uint64 bytes, Uint32 thread, Uint32 threads) {
  const Uint64 apart = reinterpret_cast<Uint64>(to) - reinterpret_cast<Uint64>(from);
  if (apart % sizeof(Uint32x4) == 0) {
    CopyAligned<Uint32x4>(to, from, bytes, thread, threads);
  } else if (apart % sizeof(Uint32) == 0) {
    CopyAligned<Uint32>(to, from, bytes, thread, threads);
  } else {
    CopyElements<Byte, 4>(to, from, bytes, thread, threads);
  }
}

}  // namespace flexmig::device_kernels
