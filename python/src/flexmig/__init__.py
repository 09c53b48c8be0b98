"""One job on many MIG leaves: what `flexmig` can do, for scripts and notebooks.

- `leaves()` lists the leaves of a node, `run()` runs a job on some of them.
- `nccl_library()` is the path of Flex-MIG's libnccl.so.2, `env()` an environment that preloads it.
- `Communicator` gives a program that `flexmig run` has started collectives on host memory.

Nothing is loaded or started when this package is imported.
"""

from ._collectives import CollectiveError, Communicator
from ._libraries import coll_library, env, nccl_library
from ._program import FlexmigError, Leaf, leaves, program, run

__all__ = [
    "CollectiveError",
    "Communicator",
    "FlexmigError",
    "Leaf",
    "coll_library",
    "env",
    "leaves",
    "nccl_library",
    "program",
    "run",
]
