"""A rank is killed in the middle of work: the others get an error, soon, instead of waiting.

To be started with launch.py --killed 1. The other ranks exit with 0 if an exception reached them within
BOUND, 77 without GPU or PyTorch, and otherwise with an error.
"""

import os
import signal
import sys
import time

# wait() raises in the thread that called it, instead of a watchdog ending the process.
os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")
os.environ.setdefault("NCCL_BLOCKING_WAIT", "1")  # before 2.2

import ranks
import torch
import torch.distributed as dist

BOUND = 20.0  # seconds; the drop-in promises 1, PyTorch's watchdog looks now and then
TIMEOUT = 60.0


def main() -> int:
    device = ranks.join(timeout=TIMEOUT)
    rank = dist.get_rank()
    data = torch.ones(1 << 20, device=device)
    for _ in range(10):
        dist.all_reduce(data)
    ranks.wait_for_device()
    dist.barrier()
    begin = time.monotonic()
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        while time.monotonic() - begin < TIMEOUT:
            dist.all_reduce(data, async_op=True).wait()
            ranks.wait_for_device()
    except Exception as error:  # which class it is depends on PyTorch's version
        took = time.monotonic() - begin
        print(f"rank {rank}: after {took:.1f} s: {type(error).__name__}: {error}")
        return 0 if took < BOUND else 1
    print(f"rank {rank}: no error within {TIMEOUT:.0f} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the farewells of libraries, which may wait for the dead.
    os._exit(code)
