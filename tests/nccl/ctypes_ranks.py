"""Two ranks that call libnccl.so.2 as Python programs do, by ctypes: ids by value, handles as numbers.

Usage: ctypes_ranks.py LIBNCCL LIBCUDA. Starts itself once more for each rank.
"""

import ctypes
import os
import subprocess
import sys

COUNT = 5000
RANKS = 2
FLOAT32, SUM = 7, 0


class UniqueId(ctypes.Structure):
    _fields_ = [("internal", ctypes.c_byte * 128)]


class Nccl:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.ncclGetErrorString.restype = ctypes.c_char_p
        self.library.ncclGetLastError.restype = ctypes.c_char_p
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        self.library.ncclCommInitRank.argtypes = [ctypes.POINTER(pointer), number, UniqueId, number]
        self.library.ncclAllReduce.argtypes = [pointer, pointer, size, number, number, pointer, pointer]
        self.library.ncclMemAlloc.argtypes = [ctypes.POINTER(pointer), size]
        self.library.ncclMemFree.argtypes = [pointer]
        self.library.ncclCommDestroy.argtypes = [pointer]

    def call(self, name, *arguments):
        result = getattr(self.library, name)(*arguments)
        if result != 0:
            raise RuntimeError(f"{name}: {self.library.ncclGetErrorString(result).decode()}: "
                               f"{self.library.ncclGetLastError(None).decode()}")


def run_rank(nccl_path, cuda_path, rank, unique_id):
    nccl = Nccl(nccl_path)
    cuda = ctypes.CDLL(cuda_path)
    comm, memory = ctypes.c_void_p(), ctypes.c_void_p()
    nccl.call("ncclCommInitRank", ctypes.byref(comm), RANKS, unique_id, rank)
    nccl.call("ncclMemAlloc", ctypes.byref(memory), 4 * COUNT)
    values = (ctypes.c_float * COUNT)(*(float(rank + i) for i in range(COUNT)))
    address, size = ctypes.c_uint64(memory.value), ctypes.c_size_t(4 * COUNT)
    assert cuda.cuMemcpyHtoD_v2(address, values, size) == 0
    nccl.call("ncclAllReduce", memory, memory, COUNT, FLOAT32, SUM, comm, None)
    assert cuda.cuStreamSynchronize(None) == 0
    assert cuda.cuMemcpyDtoH_v2(values, address, size) == 0
    assert list(values) == [2.0 * i + 1 for i in range(COUNT)], values[:5]
    nccl.call("ncclMemFree", memory)
    nccl.call("ncclCommDestroy", comm)


def main():
    nccl_path, cuda_path = sys.argv[1:3]
    if len(sys.argv) > 3:
        run_rank(nccl_path, cuda_path, int(sys.argv[3]), UniqueId.from_buffer_copy(sys.stdin.buffer.read()))
        return 0
    unique_id = UniqueId()
    Nccl(nccl_path).call("ncclGetUniqueId", ctypes.byref(unique_id))
    ranks = []
    for rank in range(RANKS):
        environment = dict(os.environ, CUDA_VISIBLE_DEVICES=str(rank))
        ranks.append(subprocess.Popen([sys.executable, __file__, nccl_path, cuda_path, str(rank)],
                                      stdin=subprocess.PIPE, env=environment))
    for process in ranks:
        process.stdin.write(bytes(unique_id))
        process.stdin.close()
    return max(process.wait(timeout=60) for process in ranks)


if __name__ == "__main__":
    sys.exit(main())
