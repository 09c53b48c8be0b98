"""The command `flexmig`: where it is, and its answers as Python values."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Union

PathLike = Union[str, "os.PathLike[str]"]


class FlexmigError(RuntimeError):
    """`flexmig` said no; the text is its message.

    `exit_code` is as `flexmig --help` lists: 2 usage, 3 no resources now, 4 not found, 5 unavailable or
    timed out, 6 permission; 127 if there is no `flexmig`.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Leaf:
    """One leaf, as `flexmig leaves -o json` tells it."""

    index: int
    gpu: int
    uuid: str  # "MIG-...", what CUDA_VISIBLE_DEVICES takes
    profile: str  # "1g.5gb"
    start: int  # of its placement, in memory slices
    size: int
    sms: Optional[int]
    memory_bytes: Optional[int]
    numa_node: int  # -1: unknown
    state: str  # "free", "leased" or "in use"
    holder: Optional[str]
    processes: List[int]


def program(named: Optional[PathLike] = None) -> Path:
    """The executable `flexmig`: `named`, else that in PATH. Raises FlexmigError if there is none."""
    found = shutil.which(os.fspath(named) if named is not None else "flexmig")
    if found is None:
        what = f"no program {os.fspath(named)}" if named is not None else "no flexmig in PATH"
        raise FlexmigError(what, 127)
    return Path(found)


def leaves(*, backend: Optional[str] = None, program: Optional[PathLike] = None) -> List[Leaf]:
    """The leaves of this machine, or of a simulated node: backend="sim:dgx-a100-40".

    Without `backend`, FLEXMIG_BACKEND says which boards. Raises FlexmigError.
    """
    command = [os.fspath(_find(program)), "leaves", "-o", "json"]
    if backend is not None:
        command += ["--backend", backend]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise FlexmigError(done.stderr.strip(), done.returncode)
    return [
        Leaf(
            index=row["leaf"],
            gpu=row["gpu"],
            uuid=row["uuid"],
            profile=row["profile"],
            start=row["start"],
            size=row["size"],
            sms=row["sms"],
            memory_bytes=row["memory_bytes"],
            numa_node=row["numa_node"],
            state=row["state"],
            holder=row["holder"],
            processes=list(row["processes"]),
        )
        for row in json.loads(done.stdout)["leaves"]
    ]


def run(
    argv: Sequence[PathLike],
    *,
    leaves: Optional[int] = None,
    like: Optional[str] = None,
    gpu_fraction: Optional[float] = None,
    collectives: Optional[str] = None,
    policy: Optional[str] = None,
    job_id: Optional[str] = None,
    no_wait: bool = False,
    flags: Sequence[str] = (),
    backend: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    program: Optional[PathLike] = None,
) -> int:
    """Runs a job on leaves, a process on each, and returns its exit code as `flexmig run` does.

    Exactly one of `leaves` (a number), `like` ("3g.20gb") and `gpu_fraction` (0.81) says how many; the
    other arguments are the flags of that name, and `flags` takes any further ones. `argv` is passed on as
    it is, without a shell. Output goes where this process's does, and so do the messages of errors that
    come before the job. Blocks; queues for busy leaves unless `no_wait`.
    """
    sizes: Dict[str, object] = {"-n": leaves, "--like": like, "--gpu-fraction": gpu_fraction}
    given = [(flag, value) for flag, value in sizes.items() if value is not None]
    if len(given) != 1:
        raise ValueError("give exactly one of leaves, like and gpu_fraction")
    if not argv or isinstance(argv, (str, bytes)):
        raise ValueError("argv is a list: ['python', 'train.py']")
    command = [os.fspath(_find(program)), "run", given[0][0], str(given[0][1])]
    options = {
        "--backend": backend,
        "--collectives": collectives,
        "--policy": policy,
        "--job-id": job_id,
    }
    for flag, value in options.items():
        if value is not None:
            command += [flag, value]
    if no_wait:
        command.append("--no-wait")
    command += [*flags, "--", *(os.fspath(word) for word in argv)]
    return subprocess.run(command, env=None if env is None else dict(env)).returncode


_find = program  # which the functions' arguments hide
