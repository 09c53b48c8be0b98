"""Flex-MIG's libraries for other people's processes: where they are."""

import os
from pathlib import Path
from typing import Dict, Mapping, Optional

from ._program import FlexmigError, PathLike
from ._program import program as _find_program


def _library(place: str, program: Optional[PathLike]) -> Path:
    """A library at <libdir>/flexmig/<place>, seen from the program: its build's or installation's."""
    prefix = _find_program(program).resolve().parent.parent
    # Debian's lib/<architecture> is the only one whose name is not fixed.
    folders = [prefix / "lib", prefix / "lib64", *sorted((prefix / "lib").glob("*-linux-gnu"))]
    for folder in folders:
        if (folder / "flexmig" / place).exists():
            return folder / "flexmig" / place
    raise FlexmigError(f"no flexmig/{place} in {', '.join(map(str, folders))}", 4)


def nccl_library(*, program: Optional[PathLike] = None) -> Path:
    """Flex-MIG's libnccl.so.2: what FLEXMIG_NCCL_DROPIN names, else that installed with `flexmig`.

    Raises FlexmigError if it is not there.
    """
    named = os.environ.get("FLEXMIG_NCCL_DROPIN")
    if not named:
        return _library("nccl/libnccl.so.2", program)
    if not Path(named).is_file():
        raise FlexmigError(f"FLEXMIG_NCCL_DROPIN: no file {named}", 4)
    return Path(named).absolute()


def coll_library(*, program: Optional[PathLike] = None) -> Path:
    """The shared library behind `Communicator`. Raises FlexmigError if it is not there."""
    return _library("coll/libflexmig-coll.so", program)


def env(
    base: Optional[Mapping[str, str]] = None, *, program: Optional[PathLike] = None
) -> Dict[str, str]:
    """A copy of `base` (os.environ) that preloads Flex-MIG's libnccl.so.2, for subprocesses that
    `flexmig run` does not start: subprocess.run([...], env=flexmig.env()).

    What LD_PRELOAD held stays there, behind it. Raises FlexmigError if the library is not there, or has
    a blank or a colon in its path, which LD_PRELOAD cannot express.
    """
    variables = dict(os.environ if base is None else base)
    library = str(nccl_library(program=program))
    if " " in library or ":" in library:
        raise FlexmigError(f"{library}: LD_PRELOAD cannot name a file with a blank or a colon", 2)
    others = variables.get("LD_PRELOAD", "")
    if others.replace(" ", ":").split(":")[0] != library:
        variables["LD_PRELOAD"] = f"{library}:{others}" if others else library
    return variables
