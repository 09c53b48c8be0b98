"""Starts N processes of one script as the ranks of a job, all on this machine's first GPU.

    launch.py [-n 4] [--nccl LIBRARY] [--host-ids] [--killed R] [--timeout 120]
        SCRIPT [ARGUMENT ...]

What `flexmig run` does on leaves, for a GPU without MIG: torchrun's variables, one device in
CUDA_VISIBLE_DEVICES, and the library in LD_PRELOAD. --host-ids gives every rank an NCCL_HOSTID of its
own, so that NCCL before 2.31 takes ranks on one GPU. Exits with 0 if all ranks do; 77 if rank 0 says
"SKIPPED: ..."; 1 otherwise, with what the ranks wrote. A rank that fails ends the others 10 s later,
which is what they have to notice it; at the timeout all are killed. --killed R: rank R ends itself by
SIGKILL; then the job is right if that happens, and all others exit with 0.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, Optional, Tuple


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(options: argparse.Namespace, rank: int, port: int) -> Dict[str, str]:
    variables = dict(os.environ)
    variables.update(
        RANK=str(rank),
        LOCAL_RANK="0",  # the only device that a rank sees
        WORLD_SIZE=str(options.ranks),
        LOCAL_WORLD_SIZE=str(options.ranks),
        GROUP_RANK="0",
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        OMP_NUM_THREADS=variables.get("OMP_NUM_THREADS", "1"),
    )
    variables.setdefault("CUDA_VISIBLE_DEVICES", "0")
    if options.nccl:
        others = variables.get("LD_PRELOAD")
        variables["LD_PRELOAD"] = f"{options.nccl}:{others}" if others else options.nccl
    if options.host_ids:
        variables["NCCL_HOSTID"] = f"rank-{rank}"
        variables["NCCL_MNNVL_ENABLE"] = "0"
    return variables


class Rank:
    def __init__(self, options: argparse.Namespace, rank: int, port: int) -> None:
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, options.script, *options.arguments],
            env=environment(options, rank, port),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end(self) -> None:
        """Kills it and all that it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def text(self) -> str:
        self.output.seek(0)
        return self.output.read().decode(errors="replace")


def wait(ranks: List[Rank], deadline: float) -> Tuple[List[Optional[int]], bool]:
    """The exit codes, None for those still running, and whether time ran out."""
    grace: Optional[float] = None
    while True:
        codes = [rank.process.poll() for rank in ranks]
        if None not in codes:
            return codes, False
        now = time.monotonic()
        if any(codes) and grace is None:
            grace = now + 10
        if now > deadline or (grace is not None and now > grace):
            return codes, now > deadline
        time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--ranks", type=int, default=4)
    parser.add_argument("--nccl", help="a libnccl.so.2 to preload")
    parser.add_argument("--host-ids", action="store_true")
    parser.add_argument("--killed", type=int, metavar="R", help="a rank that kills itself")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    port = free_port()
    ranks = [Rank(options, rank, port) for rank in range(options.ranks)]
    try:
        codes, late = wait(ranks, time.monotonic() + options.timeout)
    finally:
        for rank in ranks:
            rank.end()
    expected = [0] * options.ranks
    if options.killed is not None:
        expected[options.killed] = -signal.SIGKILL
    if codes == expected:
        sys.stdout.write(ranks[0].text())
        return 0
    if any(code == 77 for code in codes):
        sys.stderr.write(ranks[codes.index(77)].text())
        return 77
    for number, (rank, code) in enumerate(zip(ranks, codes)):
        ended = f"exited with {code}" if code is not None else "was killed, it had not ended"
        sys.stderr.write(f"---- rank {number} {ended}\n{rank.text()}")
    if late:
        sys.stderr.write(f"---- not done in {options.timeout:.0f} s\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
