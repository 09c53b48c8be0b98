"""Collectives between the processes of one job: a view of flexmig/coll/c_api.h through ctypes."""

import ctypes
import sys
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type

from ._libraries import coll_library
from ._program import PathLike

# As the enums of c_api.h, whose numbers never change.
_STATUS_NAMES = (
    "OK",
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "PERMISSION_DENIED",
    "UNIMPLEMENTED",
    "DATA_LOSS",
    "INTERNAL",
)
# Number and bytes of an element.
_TYPES: Dict[str, Tuple[int, int]] = {
    "float32": (0, 4),
    "float64": (1, 8),
    "int32": (2, 4),
    "int64": (3, 8),
    "bfloat16": (4, 2),
    "float16": (5, 2),
    "int8": (6, 1),
    "uint8": (7, 1),
    "uint32": (8, 4),
    "uint64": (9, 8),
    "float8_e4m3": (10, 1),
    "float8_e5m2": (11, 1),
}
_OPS = {"sum": 0, "min": 1, "max": 2, "prod": 3, "avg": 4}
# What the struct module calls them; 'l' is told apart by its size.
_FORMATS = {"f": "float32", "d": "float64", "e": "float16", "c": "uint8", "?": "uint8"}


class CollectiveError(RuntimeError):
    """A collective failed; the text says why, `code` is the C API's name: "ABORTED" and the like.

    After ABORTED and DEADLINE_EXCEEDED the communicator is dead, on all ranks.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class _Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("rendezvous", ctypes.c_char_p),
        ("rank", ctypes.c_int),
        ("world_size", ctypes.c_int),
        ("leaf", ctypes.c_char_p),
        ("connect_timeout_ms", ctypes.c_int64),
        ("timeout_ms", ctypes.c_int64),
    ]


class _Reduction(ctypes.Structure):
    _fields_ = [("op", ctypes.c_int), ("factor", ctypes.c_void_p)]


_POINTER = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_INT = ctypes.c_int
_SIGNATURES: Dict[str, List[Any]] = {
    "create": [ctypes.POINTER(_Options), ctypes.POINTER(_POINTER)],
    "create_from_environment": [ctypes.c_char_p, ctypes.POINTER(_POINTER)],
    "split": [_POINTER, _INT, _INT, ctypes.POINTER(_POINTER)],
    "all_reduce": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _Reduction],
    "reduce": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _Reduction, _INT],
    "reduce_scatter": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _Reduction],
    "all_gather": [_POINTER, _POINTER, _POINTER, _SIZE, _INT],
    "gather": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _INT],
    "broadcast": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _INT],
    "scatter": [_POINTER, _POINTER, _POINTER, _SIZE, _INT, _INT],
    "all_to_all": [_POINTER, _POINTER, _POINTER, _SIZE, _INT],
    "barrier": [_POINTER],
    "send": [_POINTER, _POINTER, _SIZE, _INT, _INT],
    "receive": [_POINTER, _POINTER, _SIZE, _INT, _INT],
    "get_status": [_POINTER],
    "abort": [_POINTER, ctypes.c_char_p],
    "rank": [_POINTER],
    "world_size": [_POINTER],
    "destroy": [_POINTER],
    "last_error": [],
}
_loaded: Dict[str, ctypes.CDLL] = {}


def _load(library: Optional[PathLike]) -> ctypes.CDLL:
    path = str(library if library is not None else coll_library())
    if path not in _loaded:
        loaded = ctypes.CDLL(path)
        for name, arguments in _SIGNATURES.items():
            function = getattr(loaded, f"flexmig_{name}")
            function.argtypes = arguments
            function.restype = _INT
        loaded.flexmig_destroy.restype = None
        loaded.flexmig_last_error.restype = ctypes.c_char_p
        _loaded[path] = loaded
    return _loaded[path]


class _Buffer:
    """Memory of an object with the buffer protocol, kept alive."""

    def __init__(self, data: Any, dtype: Optional[str], writable: bool) -> None:
        view = memoryview(data)
        if not view.c_contiguous:
            raise ValueError("the buffer is not contiguous")
        if writable and view.readonly:
            raise ValueError("the buffer to receive into is read-only")
        self.dtype = dtype if dtype is not None else self._type_of(view)
        if self.dtype not in _TYPES:
            raise ValueError(f"no element type {self.dtype!r}; there are {', '.join(_TYPES)}")
        self.type, item = _TYPES[self.dtype]
        if view.nbytes % item != 0:
            raise ValueError(f"{view.nbytes} bytes are no whole number of {self.dtype}")
        self.count = view.nbytes // item
        # ctypes takes addresses of writable memory only; what cannot be written is copied.
        memory_type = ctypes.c_char * max(view.nbytes, 1)
        if view.nbytes == 0:
            self._memory: Any = memory_type()
        elif view.readonly:
            self._memory = memory_type.from_buffer_copy(view.cast("B"))
        else:
            self._memory = memory_type.from_buffer(view.cast("B"))
        self.address = ctypes.addressof(self._memory)

    @staticmethod
    def _type_of(view: memoryview) -> str:
        letter = view.format.lstrip("@=<" if sys.byteorder == "little" else "@=>!")
        if letter in _FORMATS:
            return _FORMATS[letter]
        if len(letter) == 1 and letter in "bhilqBHILQ":
            name = f"{'u' if letter.isupper() else ''}int{8 * view.itemsize}"
            if name in _TYPES:
                return name
        raise ValueError(f"elements of format {view.format!r} have no type here; name it with dtype=")


class Communicator:
    """The processes of a job, and the collectives between them, on host memory.

    All ranks call the same collectives in the same order. Buffers are objects with the buffer protocol
    (array.array, bytearray, NumPy arrays), contiguous; element types are told by the buffers unless
    `dtype` names one. `op` is "sum", "min", "max", "prod" or "avg". Results are equal, bit for bit, on
    all ranks. What each function does is said in flexmig/coll/communicator.h.

    One thread at a time may call collectives; `abort` may be called from any. A context manager, which
    closes it.
    """

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p) -> None:
        """Use `from_environment` or `create`."""
        self._library = library
        self._handle: Optional[ctypes.c_void_p] = handle

    @classmethod
    def from_environment(
        cls, tag: str = "world", *, library: Optional[PathLike] = None
    ) -> "Communicator":
        """All ranks of the job that `flexmig run` started. `tag` tells several apart."""
        loaded = _load(library)
        handle = ctypes.c_void_p()
        _check(
            loaded,
            loaded.flexmig_create_from_environment(tag.encode(), ctypes.byref(handle)),
        )
        return cls(loaded, handle)

    @classmethod
    def create(
        cls,
        rendezvous: str,
        rank: int,
        world_size: int,
        *,
        connect_timeout: float = 60.0,
        timeout: float = 1800.0,
        library: Optional[PathLike] = None,
    ) -> "Communicator":
        """Ranks that name one `rendezvous`, which is best hard to guess. Times are in seconds."""
        loaded = _load(library)
        options = _Options(
            ctypes.sizeof(_Options),
            rendezvous.encode(),
            rank,
            world_size,
            None,
            max(1, int(connect_timeout * 1000)),
            max(1, int(timeout * 1000)),
        )
        handle = ctypes.c_void_p()
        _check(loaded, loaded.flexmig_create(ctypes.byref(options), ctypes.byref(handle)))
        return cls(loaded, handle)

    @property
    def rank(self) -> int:
        return int(self._library.flexmig_rank(self._open()))

    @property
    def world_size(self) -> int:
        return int(self._library.flexmig_world_size(self._open()))

    def all_reduce(
        self, send: Any, receive: Any = None, *, op: str = "sum", dtype: Optional[str] = None
    ) -> None:
        """receive[i] = op over ranks of their send[i]; in place without `receive`."""
        source, target = self._pair(send, receive, dtype)
        self._same_count(source, target, 1, 1)
        self._call("all_reduce", source.address, target.address, source.count, source.type, _op(op))

    def reduce(
        self,
        send: Any,
        receive: Any = None,
        *,
        root: int = 0,
        op: str = "sum",
        dtype: Optional[str] = None,
    ) -> None:
        """The same on `root` only; in place there without `receive`."""
        source, target = self._pair(send, receive, dtype)
        self._same_count(source, target, 1, 1)
        self._call(
            "reduce", source.address, target.address, source.count, source.type, _op(op), root
        )

    def reduce_scatter(
        self, send: Any, receive: Any, *, op: str = "sum", dtype: Optional[str] = None
    ) -> None:
        """Each rank's part of the reduction: `send` is world_size times as long as `receive`."""
        source, target = self._pair(send, receive, dtype)
        self._same_count(source, target, 1, self.world_size)
        self._call(
            "reduce_scatter", source.address, target.address, target.count, source.type, _op(op)
        )

    def all_gather(self, send: Any, receive: Any, *, dtype: Optional[str] = None) -> None:
        """All ranks' `send`, one after the other, in `receive`."""
        source, target = self._pair(send, receive, dtype)
        self._same_count(source, target, self.world_size, 1)
        self._call("all_gather", source.address, target.address, source.count, source.type)

    def gather(
        self, send: Any, receive: Any = None, *, root: int = 0, dtype: Optional[str] = None
    ) -> None:
        """The same on `root` only; elsewhere `receive` is not looked at."""
        source = _Buffer(send, dtype, writable=False)
        address = None
        if self.rank == root:
            target = _Buffer(receive, dtype, writable=True)
            self._same_count(source, target, self.world_size, 1)
            address = target.address
        self._call("gather", source.address, address, source.count, source.type, root)

    def broadcast(self, data: Any, *, root: int = 0, dtype: Optional[str] = None) -> None:
        """`data` of `root` on every rank."""
        buffer = _Buffer(data, dtype, writable=True)
        self._call("broadcast", buffer.address, buffer.address, buffer.count, buffer.type, root)

    def scatter(
        self, send: Any, receive: Any, *, root: int = 0, dtype: Optional[str] = None
    ) -> None:
        """Part r of the root's `send` on rank r; elsewhere `send` is not looked at."""
        target = _Buffer(receive, dtype, writable=True)
        address = None
        if self.rank == root:
            source = _Buffer(send, dtype, writable=False)
            self._same_count(source, target, 1, self.world_size)
            address = source.address
        self._call("scatter", address, target.address, target.count, target.type, root)

    def all_to_all(self, send: Any, receive: Any, *, dtype: Optional[str] = None) -> None:
        """Part p of `receive` is part `rank` of rank p's `send`."""
        source, target = self._pair(send, receive, dtype)
        self._same_count(source, target, 1, 1)
        if source.count % self.world_size != 0:
            raise ValueError(f"{source.count} elements cannot be cut into {self.world_size} parts")
        count = source.count // self.world_size
        self._call("all_to_all", source.address, target.address, count, source.type)

    def barrier(self) -> None:
        """Returns when every rank has called it."""
        self._call("barrier")

    def send(self, data: Any, to: int, *, dtype: Optional[str] = None) -> None:
        """To rank `to`, which calls `receive`."""
        buffer = _Buffer(data, dtype, writable=False)
        self._call("send", buffer.address, buffer.count, buffer.type, to)

    def receive(self, data: Any, source: int, *, dtype: Optional[str] = None) -> None:
        """From rank `source`, into `data`."""
        buffer = _Buffer(data, dtype, writable=True)
        self._call("receive", buffer.address, buffer.count, buffer.type, source)

    def split(self, color: int, key: int = 0) -> Optional["Communicator"]:
        """A communicator of the ranks with the same `color`; None for a negative one."""
        handle = ctypes.c_void_p()
        self._call("split", color, key, ctypes.byref(handle))
        return Communicator(self._library, handle) if handle.value else None

    def abort(self, reason: str) -> None:
        """Ends every rank's pending and future collectives with ABORTED and `reason`."""
        self._call("abort", reason.encode())

    def check(self) -> None:
        """Raises what the communicator has died of, if it has."""
        self._call("get_status")

    def close(self) -> None:
        """Never waits for the peers. Twice is once."""
        if self._handle is not None:
            self._library.flexmig_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> "Communicator":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _open(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ValueError("the communicator is closed")
        return self._handle

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, f"flexmig_{name}")
        _check(self._library, function(self._open(), *arguments))

    @staticmethod
    def _pair(send: Any, receive: Any, dtype: Optional[str]) -> Tuple[_Buffer, _Buffer]:
        if receive is None:
            both = _Buffer(send, dtype, writable=True)
            return both, both
        source = _Buffer(send, dtype, writable=False)
        target = _Buffer(receive, dtype, writable=True)
        if source.dtype != target.dtype:
            raise ValueError(f"send holds {source.dtype}, receive {target.dtype}")
        return source, target

    @staticmethod
    def _same_count(source: _Buffer, target: _Buffer, send_times: int, receive_times: int) -> None:
        if source.count * send_times != target.count * receive_times:
            raise ValueError(f"send has {source.count} elements and receive {target.count}")


def _op(name: str) -> _Reduction:
    if name not in _OPS:
        raise ValueError(f"no reduction {name!r}; there are {', '.join(_OPS)}")
    return _Reduction(_OPS[name], None)


def _check(library: ctypes.CDLL, status: int) -> None:
    if status != 0:
        name = _STATUS_NAMES[status] if 0 < status < len(_STATUS_NAMES) else str(status)
        raise CollectiveError(name, library.flexmig_last_error().decode(errors="replace"))
