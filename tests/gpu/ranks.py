"""What the tests of PyTorch share: joining the job, and the device of a rank.

The environment FLEXMIG_TEST_BACKEND=gloo runs them on the processor, to try the scripts themselves
where there is no GPU.
"""

import datetime
import os
import sys
from typing import NoReturn


def skip(why: str) -> NoReturn:
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(77)


try:
    import torch
    import torch.distributed as dist
except ImportError as error:
    skip(f"no PyTorch here ({error})")

BACKEND = os.environ.get("FLEXMIG_TEST_BACKEND", "nccl")
ON_GPU = BACKEND == "nccl"


def join(timeout: float = 60.0) -> torch.device:
    """Joins the job's default process group; the rank's device. Skips without a GPU."""
    if ON_GPU and not torch.cuda.is_available():
        skip("PyTorch sees no GPU")
    device = torch.device("cuda", 0) if ON_GPU else torch.device("cpu")
    if ON_GPU:
        torch.cuda.set_device(device)
    dist.init_process_group(BACKEND, timeout=datetime.timedelta(seconds=timeout))
    if dist.get_rank() == 0:
        print(describe())
    return device


def describe() -> str:
    if not ON_GPU:
        return f"PyTorch {torch.__version__} with {BACKEND}, a trial without GPU"
    # Built with is what PyTorch's headers say; in use is what ncclGetVersion answers.
    version = ".".join(map(str, torch.cuda.nccl.version()))
    return (
        f"PyTorch {torch.__version__}, NCCL {version}, {loaded_nccl()}, "
        f"{dist.get_world_size()} ranks on {torch.cuda.get_device_name(0)}"
    )


def loaded_nccl() -> str:
    """The libnccl.so.2 that this process has loaded."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if "libnccl" in line}
    return ", ".join(sorted(files)) or "no libnccl.so.2 loaded"


def require(condition: bool, what: str) -> None:
    """As assert, but also under python -O."""
    if not condition:
        raise AssertionError(f"rank {dist.get_rank()}: {what}")


def wait_for_device() -> None:
    if ON_GPU:
        torch.cuda.synchronize()
