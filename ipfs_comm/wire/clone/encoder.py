"""From a graph of Python values to slots, entries and buffers.

HTML Standard, StructuredSerializeInternal, with the mapping that :mod:`ipfs_comm.wire.clone` gives and the form that
`docs/protocol.md`, section 4, gives.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from ipfs_comm.errors import DataCloneError, RemoteError
from ipfs_comm.wire.blob import Blob, BlobSource, File
from ipfs_comm.wire.clone.types import (
    ERROR_NAMES,
    MAX_SAFE_INTEGER,
    ArrayBuffer,
    BigInt,
    Boxed,
    BytesLike,
    Date,
    DOMException,
    JSError,
    Map,
    RegExp,
    Set,
    SparseArray,
    Transferable,
    Undefined,
    View,
)

__all__ = ["MAX_BUFFERS", "MAX_ENTRIES", "MAX_PORTS", "Encoded", "dump_meta", "encode"]

MAX_ENTRIES: Final = 1_000_000
MAX_BUFFERS: Final = 65_536
MAX_PORTS: Final = 1_024

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FORMAT_VIEWS: Final = {
    "B": "Uint8Array",
    "b": "Int8Array",
    "c": "Uint8Array",
    "?": "Uint8Array",
    "h": "Int16Array",
    "H": "Uint16Array",
    "i": "Int32Array",
    "I": "Uint32Array",
    "e": "Float16Array",
    "f": "Float32Array",
    "d": "Float64Array",
    "q": "BigInt64Array",
    "Q": "BigUint64Array",
    "l": "BigInt64Array" if struct.calcsize("l") == 8 else "Int32Array",
    "L": "BigUint64Array" if struct.calcsize("L") == 8 else "Uint32Array",
}


class Encoded(NamedTuple):
    """A serialized value: what `meta` and the buffers of a message are made of."""

    #: Slot of the value itself.
    root: Any
    #: One list an object, as in `docs/protocol.md`.
    entries: list[list[Any]]
    #: Bytes that nobody changes any more, one an ArrayBuffer.
    buffers: list[BytesLike]
    #: Where the bytes of the value's Blobs come from; numbered after the transferred ports.
    sources: list[BlobSource]


def dump_meta(encoded: Encoded, port_ids: Sequence[int]) -> bytes:
    """Return the JSON of `encoded`; a lone surrogate is written as its escape."""
    meta = [encoded.root, encoded.entries, [len(buffer) for buffer in encoded.buffers], port_ids]
    try:
        return _to_json(meta).encode()
    except UnicodeEncodeError:
        return json.dumps(meta, separators=(",", ":")).encode()


_to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode


def encode(value: Any, *, ports: Sequence[Transferable] = (), owned: Iterable[object] = ()) -> Encoded:
    """Serialize a value.

    Parameters
    ----------
    value : any
        A graph of the types that the mapping knows; cycles and shared objects are kept.
    ports : sequence of ports
        The ports that are transferred with the value, in order.
    owned : iterable of bytes-like or ArrayBuffer
        Those of the value's buffers that the caller gives away: they are not copied.

    Returns
    -------
    Encoded
        Refers to no mutable object of the caller, except to the memory of `owned`.

    Raises
    ------
    DataCloneError
        A value that has no counterpart; the message names the path to it.
    """
    encoder = _Encoder(ports, owned)
    root = encoder.slot(value, -1, "")
    encoder.run()
    return Encoded(root, encoder.entries, encoder.buffers, encoder.sources)


def number_slot(value: float) -> Any:
    """Return the slot of a float."""
    if value - value == 0.0 and (value or math.copysign(1.0, value) > 0):
        return value
    if math.isnan(value):
        return ["n", "NaN"]
    if value == 0:
        return ["n", "-0"]
    return ["n", "Infinity" if value > 0 else "-Infinity"]


def integer_slot(value: int) -> Any:
    """Return the slot of an int: a number as far as a number is exact, else a BigInt."""
    return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else ["b", format(value, "x")]


class _Encoder:
    """The state of one serialization. Objects wait in a list for their turn, so that depth costs no stack."""

    __slots__ = ("buffers", "entries", "objects", "origins", "owned", "pending", "ports", "seen", "sources")

    def __init__(self, ports: Sequence[Transferable], owned: Iterable[object]) -> None:
        self.ports = {id(port): index for index, port in enumerate(ports)}
        self.owned = {id(item) for item in owned}
        self.entries: list[list[Any]] = []
        self.buffers: list[BytesLike] = []
        self.sources: list[BlobSource] = []
        self.seen: dict[int, int] = {}
        #: Keeps every object alive while its id stands in `seen`.
        self.objects: list[Any] = []
        #: For every entry, the entry that refers to it first, and by which key.
        self.origins: list[tuple[int, Any]] = []
        self.pending: list[tuple[int, Any, Callable[[_Encoder, int, Any, list[Any]], None]]] = []

    def slot(self, value: Any, parent: int, key: Any) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return integer_slot(value)
        if kind is float:
            return number_slot(value)
        if kind is Undefined:
            return []
        if kind is BigInt:
            return ["b", format(value, "x")]
        index = self.seen.get(id(value))
        if index is None:
            handler = _HANDLERS.get(kind)
            if handler is None:
                primitive, handler = self.classify(value, parent, key)
                if handler is None:
                    return primitive
            index = self.add(value, parent, key)
            self.pending.append((index, value, handler))
        return [index]

    def add(self, value: Any, parent: int, key: Any) -> int:
        index = len(self.entries)
        if index >= MAX_ENTRIES:
            raise self.refuse(parent, key, f"a message holds at most {MAX_ENTRIES} objects; send it in parts")
        self.entries.append([])
        self.objects.append(value)
        self.origins.append((parent, key))
        self.seen[id(value)] = index
        return index

    def run(self) -> None:
        pending = self.pending
        entries = self.entries
        while pending:
            index, value, handler = pending.pop()
            handler(self, index, value, entries[index])

    def classify(
        self, value: Any, parent: int, key: Any
    ) -> tuple[Any, Callable[[_Encoder, int, Any, list[Any]], None] | None]:
        """Find the handler of a subclass, or the slot of a subclass of a primitive."""
        if isinstance(value, str):
            return str.__str__(value), None
        if isinstance(value, int):
            return integer_slot(int.__int__(value)), None
        if isinstance(value, float):
            return number_slot(float.__float__(value)), None
        for base, handler in _BASES:
            if isinstance(value, base):
                return None, handler
        try:
            memoryview(value).release()
        except TypeError:
            hint = " (a set or dict with the same content can)" if isinstance(value, AbstractSet | Mapping) else ""
            raise self.refuse(parent, key, f"a {type(value).__qualname__} cannot be cloned{hint}") from None
        return None, _Encoder.bytes_like

    def path(self, parent: int, key: Any) -> str:
        keys: list[str] = []
        while parent >= 0:
            keys.append(f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]")
            parent, key = self.origins[parent]
        return "value" + "".join(reversed(keys))

    def refuse(self, parent: int, key: Any, reason: str) -> DataCloneError:
        path = self.path(parent, key)
        return DataCloneError(f"{path}: {reason}", detail={"path": path})

    def here(self, index: int, reason: str) -> DataCloneError:
        return self.refuse(*self.origins[index], reason)

    def plain(self, index: int, value: dict[Any, Any], entry: list[Any]) -> None:
        for key in value:
            if type(key) is not str:
                if isinstance(key, str):
                    continue
                self.mapping(index, value, entry)
                return
        entry.append("o")
        slot = self.slot
        for key, item in value.items():
            kind = type(item)
            entry.append(key if type(key) is str else str.__str__(key))
            entry.append(item if kind is str or item is None or kind is bool else slot(item, index, key))

    def mapping(self, index: int, value: Mapping[Any, Any], entry: list[Any]) -> None:
        entry.append("m")
        for key, item in value.items():
            entry.append(self.slot(key, index, key))
            entry.append(self.slot(item, index, key))

    def array(self, index: int, value: Sequence[Any], entry: list[Any]) -> None:
        slot = self.slot
        entry.append("a")
        entry.extend([slot(item, index, number) for number, item in enumerate(value)])

    def sparse(self, index: int, value: SparseArray, entry: list[Any]) -> None:
        if not 0 <= value.length < 2**32:
            raise self.here(index, f"an array has a length below 2^32, not {value.length}")
        entry += ["A", value.length]
        for number in sorted(value.items):
            if not 0 <= number < value.length:
                raise self.here(index, f"an array of length {value.length} has no element {number}")
            entry += [str(number), self.slot(value.items[number], index, number)]
        for name, item in value.properties.items():
            if name.isdecimal() and name.isascii() and str(int(name)) == name and int(name) < 2**32 - 1:
                raise self.here(index, f"{name!r} is an element, not a named property")
            entry += [name, self.slot(item, index, name)]

    def set(self, index: int, value: Iterable[Any], entry: list[Any]) -> None:
        entry.append("s")
        entry.extend([self.slot(item, index, number) for number, item in enumerate(value)])

    def datetime(self, index: int, value: datetime, entry: list[Any]) -> None:
        aware = value if value.utcoffset() is not None else value.astimezone()
        entry += ["d", (aware - _EPOCH) // _MILLISECOND]

    def date(self, index: int, value: Date, entry: list[Any]) -> None:
        entry += ["d", number_slot(float(value.ms)) if isinstance(value.ms, float) else integer_slot(value.ms)]

    def regexp(self, index: int, value: RegExp, entry: list[Any]) -> None:
        entry += ["r", value.source, value.flags]

    def boxed(self, index: int, value: Boxed, entry: list[Any]) -> None:
        if not isinstance(value.value, str | bool | int | float):
            raise self.here(index, f"a Boxed holds a str, bool, int or float, not a {type(value.value).__qualname__}")
        entry += ["w", self.slot(value.value, index, "value")]

    def exception(self, index: int, value: BaseException, entry: list[Any]) -> None:
        if isinstance(value, JSError):
            name, properties = value.name, value.properties
        else:
            name = value.name if isinstance(value, RemoteError) else _ERROR_OF.get(type(value), "Error")
            properties = {"message": str(value)}
            if isinstance(value, RemoteError) and value.stack is not None:
                properties["stack"] = value.stack
            if value.__cause__ is not None:
                properties["cause"] = value.__cause__
        flat: list[Any] = []
        for key in ("message", "stack", "cause"):
            if key in properties:
                flat += [key, self.slot(properties[key], index, key)]
        entry += ["e", name if name in ERROR_NAMES else "Error", flat]

    def dom_exception(self, index: int, value: DOMException, entry: list[Any]) -> None:
        entry += ["D", value.name, value.message]

    def buffer(self, data: BytesLike) -> int:
        if len(self.buffers) >= MAX_BUFFERS:
            raise DataCloneError(f"a message holds at most {MAX_BUFFERS} buffers; send it in parts")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def array_buffer(self, index: int, value: ArrayBuffer, entry: list[Any]) -> None:
        if value.detached:
            raise self.here(index, "this ArrayBuffer was transferred away")
        data = value.data
        entry += ["x", self.buffer(data if id(value) in self.owned or type(data.obj) is bytes else bytes(data))]
        if value.max_byte_length is not None:
            entry.append(value.max_byte_length)

    def view(self, index: int, value: View, entry: list[Any]) -> None:
        entry += ["v", value.type, self.slot(value.buffer, index, "buffer"), value.offset, value.length]

    def bytes(self, index: int, value: bytes, entry: list[Any]) -> None:
        self.own_view(index, value, "Uint8Array", len(value), entry)

    def bytes_like(self, index: int, value: Any, entry: list[Any]) -> None:
        view = memoryview(value)
        name = _FORMAT_VIEWS.get(view.format.removeprefix("@").removeprefix("=").removeprefix("<"))
        if name is None or view.ndim != 1:
            raise self.here(
                index,
                f"a buffer of format {view.format!r} and {view.ndim} dimensions is no typed array; "
                "make it one-dimensional and little-endian",
            )
        count = len(view)
        data: BytesLike
        if view.c_contiguous and (id(value) in self.owned or type(view.obj) is bytes):
            data = view if view.format == "B" else view.cast("B")
        else:
            data = view.tobytes()
        self.own_view(index, data, name, count, entry)

    def own_view(self, index: int, data: BytesLike, name: str, count: int, entry: list[Any]) -> None:
        holder = self.add(data, index, "buffer")
        self.entries[holder] += ["x", self.buffer(data)]
        # `data` may be the very object that stands at `index`, whose entry is the view.
        self.seen[id(self.objects[index])] = index
        entry += ["v", name, [holder], 0, count]

    def blob(self, index: int, value: Blob, entry: list[Any]) -> None:
        number = len(self.ports) + len(self.sources)
        self.sources.append(value.source)
        if isinstance(value, File):
            entry += ["F", value.type, value.size, number, value.name, value.last_modified]
        else:
            entry += ["B", value.type, value.size, number]

    def port(self, index: int, value: Transferable, entry: list[Any]) -> None:
        number = self.ports.get(id(value))
        if number is None:
            raise self.here(index, f"a {type(value).__name__} goes only with the transfer list; add it there")
        entry += ["p", number]


_ERROR_OF: Final[dict[type[BaseException], str]] = {
    TypeError: "TypeError",
    SyntaxError: "SyntaxError",
    NameError: "ReferenceError",
    OverflowError: "RangeError",
}

_HANDLERS: Final[dict[type, Callable[[_Encoder, int, Any, list[Any]], None]]] = {
    dict: _Encoder.plain,
    list: _Encoder.array,
    tuple: _Encoder.array,
    bytes: _Encoder.bytes,
    bytearray: _Encoder.bytes_like,
    memoryview: _Encoder.bytes_like,
    set: _Encoder.set,
    frozenset: _Encoder.set,
    Set: _Encoder.set,
    Map: _Encoder.mapping,
    datetime: _Encoder.datetime,
    Date: _Encoder.date,
    RegExp: _Encoder.regexp,
    Boxed: _Encoder.boxed,
    SparseArray: _Encoder.sparse,
    ArrayBuffer: _Encoder.array_buffer,
    View: _Encoder.view,
    JSError: _Encoder.exception,
    DOMException: _Encoder.dom_exception,
    Blob: _Encoder.blob,
    File: _Encoder.blob,
}

_BASES: Final[tuple[tuple[type, Callable[[_Encoder, int, Any, list[Any]], None]], ...]] = (
    (Transferable, _Encoder.port),
    (DOMException, _Encoder.dom_exception),
    (BaseException, _Encoder.exception),
    (dict, _Encoder.plain),
    (list, _Encoder.array),
    (tuple, _Encoder.array),
    (set, _Encoder.set),
    (frozenset, _Encoder.set),
    (Set, _Encoder.set),
    (Map, _Encoder.mapping),
    (datetime, _Encoder.datetime),
    (Blob, _Encoder.blob),
)
