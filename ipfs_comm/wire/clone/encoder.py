"""From a graph of Python values to slots, entries and buffers.

HTML Standard, StructuredSerializeInternal, with the mapping that :mod:`ipfs_comm.wire.clone` gives and the form that
`docs/protocol.md`, section 4, gives.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from ipfs_comm.errors import DataCloneError, RemoteError
from ipfs_comm.wire.blob import Blob, BlobSource, File
from ipfs_comm.wire.clone.arrays import elements, is_bytes_like
from ipfs_comm.wire.clone.buffers import ArrayBuffer, ImageData, View
from ipfs_comm.wire.clone.containers import FileList, Map, Set, SparseArray, as_primitive, joined, same_value_key
from ipfs_comm.wire.clone.limits import MAX_BUFFERS, MAX_ENTRIES, MAX_MESSAGE, MAX_META, MAX_PORTS
from ipfs_comm.wire.clone.paths import path_to
from ipfs_comm.wire.clone.types import (
    ERROR_NAMES,
    MAX_SAFE_INTEGER,
    BigInt,
    Boxed,
    BytesLike,
    Date,
    DOMException,
    JSError,
    RegExp,
    Transferable,
    Undefined,
)

__all__ = ["Encoded", "clip", "dump_meta", "encode", "text_of"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_DATE_MS: Final = 8_640_000_000_000_000
#: Characters (or bits) of a value that an error shows.
_CLIP: Final = 80


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
    """Return the JSON of `encoded`; a lone surrogate is written as its escape.

    Raises
    ------
    DataCloneError
        It is longer than the other end would read.
    """
    meta = [encoded.root, encoded.entries, [len(buffer) for buffer in encoded.buffers], list(port_ids)]
    try:
        data = _to_json(meta).encode()
    except UnicodeEncodeError:
        data = json.dumps(meta, separators=(",", ":")).encode()
    if len(data) > MAX_META:
        raise _too_long(len(data))
    return data


def _too_long(size: int) -> DataCloneError:
    return DataCloneError(
        f"the values of this message would take {size} bytes beside its buffers, and {MAX_META} are allowed: "
        "send numbers as an array of numpy or bytes, or send it in parts"
    )


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
        A value that has no counterpart, or more than a message may hold; the message names the path to it.
    """
    if len(ports) > MAX_PORTS:
        raise DataCloneError(f"a message carries at most {MAX_PORTS} ports, not {len(ports)}; send it in parts")
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

    __slots__ = (
        "buffers",
        "bytes_left",
        "entries",
        "objects",
        "origins",
        "owned",
        "pending",
        "ports",
        "seen",
        "sources",
    )

    def __init__(self, ports: Sequence[Transferable], owned: Iterable[object]) -> None:
        self.ports = {id(port): index for index, port in enumerate(ports)}
        self.owned = {id(item) for item in owned}
        self.entries: list[list[Any]] = []
        self.buffers: list[BytesLike] = []
        self.bytes_left = MAX_MESSAGE
        self.sources: list[BlobSource] = []
        self.seen: dict[int, int] = {}
        #: Keeps every object alive while its id stands in `seen`.
        self.objects: list[Any] = []
        #: For every entry, the entry that refers to it first, and by which key.
        self.origins: list[tuple[int, Any]] = []
        self.pending: list[tuple[int, Any, Callable[[_Encoder, int, Any, list[Any]], None]]] = []

    def slot(self, value: Any, parent: int, key: str | int) -> Any:
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
                plain = as_primitive(value)
                if plain is not None:
                    return self.slot(plain, parent, key)
                handler = self.classify(value, parent, key)
            index = self.add(value, parent, key)
            self.pending.append((index, value, handler))
        return [index]

    def add(self, value: Any, parent: int, key: str | int) -> int:
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
        # Every slot takes two characters, and most take more: those are counted when they are written.
        least = 2 * sum(map(len, entries))
        if least > MAX_META:
            raise _too_long(least)

    def classify(self, value: Any, parent: int, key: str | int) -> Callable[[_Encoder, int, Any, list[Any]], None]:
        """Find the handler of a value whose class is not in the table itself."""
        for base, handler in _BASES:
            if isinstance(value, base):
                return handler
        if not is_bytes_like(value):
            raise self.refuse(parent, key, f"a {type(value).__qualname__} cannot be cloned{_advice(value)}")
        return _Encoder.bytes_like

    def refuse(self, parent: int, key: str | int, reason: str) -> DataCloneError:
        path = path_to(parent, key, self.origins, self.entries)
        return DataCloneError(f"{path}: {reason}", detail={"path": path})

    def here(self, index: int, reason: str) -> DataCloneError:
        return self.refuse(*self.origins[index], reason)

    def text(self, index: int, value: Any, what: str) -> str:
        if not isinstance(value, str):
            raise self.here(index, f"{what} is a str, not a {type(value).__qualname__}")
        return str.__str__(value)

    def natural(self, index: int, value: Any, what: str, bound: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < bound:
            raise self.here(index, f"{what} is an int of 0 or more and below {bound}, not {clip(value)}")
        return int.__int__(value)

    def plain(self, index: int, value: dict[Any, Any], entry: list[Any]) -> None:
        for key in value:
            if type(key) is not str and not isinstance(key, str):
                self.mapping(index, value, entry)
                return
        entry.append("o")
        slot = self.slot
        unsure = False
        for key, item in value.items():
            name = key
            if type(key) is not str or not key.isascii():
                name, unsure = joined(str.__str__(key)), True
            kind = type(item)
            entry.append(name)
            entry.append(item if kind is str or item is None or kind is bool else slot(item, index, name))
        if unsure and len(set(entry[1::2])) * 2 != len(entry) - 1:
            raise self.here(index, "two keys of this dict are the same in JavaScript")

    def mapping(self, index: int, value: Mapping[Any, Any], entry: list[Any]) -> None:
        entry.append("m")
        number = 0
        for key, item in value.items():
            entry.append(self.slot(key, index, number))
            entry.append(self.slot(item, index, number + 1))
            number += 2
        if not isinstance(value, Map) and len({same_value_key(key) for key in value}) * 2 != number:
            raise self.here(index, "two keys of this dict are the same in JavaScript (NaN is one)")

    def array(self, index: int, value: Sequence[Any], entry: list[Any]) -> None:
        slot = self.slot
        entry.append("a")
        entry.extend([slot(item, index, number) for number, item in enumerate(value)])

    def sparse(self, index: int, value: SparseArray, entry: list[Any]) -> None:
        length = self.natural(index, value.length, "an array's length", 2**32)
        entry += ["A", length]
        numbers = [self.natural(index, number, "the number of an element", length) for number in value.items]
        for number in sorted(numbers):
            entry += [str(number), self.slot(value.items[number], index, number)]
        names = set()
        for key, item in value.properties.items():
            name = joined(self.text(index, key, "the name of a property"))
            if _is_index(name):
                raise self.here(index, f"{name!r} is an element, not a named property")
            names.add(name)
            entry += [name, self.slot(item, index, name)]
        if len(names) != len(value.properties):
            raise self.here(index, "two properties of this array are the same in JavaScript")

    def set(self, index: int, value: Iterable[Any], entry: list[Any]) -> None:
        entry.append("s")
        members = value if isinstance(value, Set) else Set(value)
        entry.extend([self.slot(item, index, number) for number, item in enumerate(members)])

    def datetime(self, index: int, value: datetime, entry: list[Any]) -> None:
        try:
            aware = value if value.utcoffset() is not None else value.astimezone()
        except (OverflowError, ValueError, OSError) as error:
            raise self.here(index, f"{value} without a timezone is no time here ({error}); give it one") from error
        entry += ["d", (aware - _EPOCH) // _MILLISECOND]

    def date(self, index: int, value: Date, entry: list[Any]) -> None:
        ms = as_primitive(value.ms)
        if isinstance(ms, float) and ms != ms:
            entry += ["d", ["n", "NaN"]]
            return
        if isinstance(ms, bool | str) or ms is None or not -_LAST_DATE_MS <= ms <= _LAST_DATE_MS or ms != int(ms):
            raise self.here(
                index,
                f"a Date is a whole number of ms, at most {_LAST_DATE_MS} from 1970, or NaN, not {clip(value.ms)}",
            )
        entry += ["d", int(ms)]

    def regexp(self, index: int, value: RegExp, entry: list[Any]) -> None:
        entry += [
            "r",
            self.text(index, value.source, "the source of a RegExp"),
            self.text(index, value.flags, "the flags of a RegExp"),
        ]

    def boxed(self, index: int, value: Boxed, entry: list[Any]) -> None:
        if as_primitive(value.value) is None:
            raise self.here(index, f"a Boxed holds a str, bool, int or float, not a {type(value.value).__qualname__}")
        entry += ["w", self.slot(value.value, index, "value")]

    def exception(self, index: int, value: BaseException, entry: list[Any]) -> None:
        name = error_name(value)
        entry += ["e", name]
        if isinstance(value, JSError):
            properties = value.properties
        else:
            properties = {"message": text_of(value)}
            if isinstance(value, RemoteError) and value.stack is not None:
                properties["stack"] = value.stack
            if value.__cause__ is not None:
                properties["cause"] = value.__cause__
        flat: list[Any] = []
        for key in ("message", "stack"):
            if key in properties:
                flat += [key, self.text(index, properties[key], f"the {key} of an error")]
        if "cause" in properties:
            flat += ["cause", self.slot(properties["cause"], index, "cause")]
        entry.append(flat)

    def dom_exception(self, index: int, value: DOMException, entry: list[Any]) -> None:
        entry += [
            "D",
            self.text(index, value.name, "the name of a DOMException"),
            self.text(index, value.message, "the message of a DOMException"),
        ]

    def buffer(self, index: int, data: BytesLike) -> int:
        if len(self.buffers) >= MAX_BUFFERS:
            raise self.here(index, f"a message holds at most {MAX_BUFFERS} buffers; send it in parts")
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise self.here(index, f"a message holds at most {MAX_MESSAGE} bytes; send it in parts, or as a Blob")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def array_buffer(self, index: int, value: ArrayBuffer, entry: list[Any]) -> None:
        if value.detached:
            raise self.here(index, "this ArrayBuffer was transferred away")
        data = value.data
        own = id(value) in self.owned or type(data.obj) is bytes
        entry += ["x", self.buffer(index, data if own else bytes(data))]
        if value.max_byte_length is not None:
            entry.append(value.max_byte_length)

    def view(self, index: int, value: View, entry: list[Any]) -> None:
        if value.buffer.detached:
            raise self.here(index, "the ArrayBuffer of this view was transferred away")
        if not value.fits:
            raise self.here(index, f"{value!r} does not fit its ArrayBuffer")
        entry += ["v", value.type, self.slot(value.buffer, index, "buffer"), value.offset, value.length]

    def image(self, index: int, value: ImageData, entry: list[Any]) -> None:
        if not value.fits:
            raise self.here(index, f"{value!r} is not made of the pixels of that size")
        entry += ["i", self.slot(value.data, index, "data"), value.width, value.height, value.color_space]

    def bytes(self, index: int, value: bytes, entry: list[Any]) -> None:
        self.own_view(index, "Uint8Array", len(value), value, entry)

    def bytes_like(self, index: int, value: Any, entry: list[Any]) -> None:
        try:
            name, length, data = elements(value, owned=id(value) in self.owned)
        except ValueError as error:
            raise self.here(index, str(error)) from error
        self.own_view(index, name, length, data, entry)

    def own_view(self, index: int, name: str, length: int, data: BytesLike, entry: list[Any]) -> None:
        holder = self.add(data, index, "buffer")
        self.entries[holder] += ["x", self.buffer(index, data)]
        # `data` may be the very object that stands at `index`, whose entry is the view.
        self.seen[id(self.objects[index])] = index
        entry += ["v", name, [holder], 0, length]

    def blob(self, index: int, value: Blob, entry: list[Any]) -> None:
        tail = [
            self.text(index, value.type, "the type of a Blob"),
            self.natural(index, value.size, "the size of a Blob", MAX_SAFE_INTEGER + 1),
            len(self.ports) + len(self.sources),
        ]
        if isinstance(value, File):
            modified = as_primitive(value.last_modified)
            if not isinstance(modified, int | float) or isinstance(modified, bool):
                raise self.here(index, f"the time of a File is a number of ms, not {clip(value.last_modified)}")
            tail += [self.text(index, value.name, "the name of a File"), number_slot(float(modified))]
        if len(self.ports) + len(self.sources) >= MAX_PORTS:
            raise self.here(index, f"a message carries at most {MAX_PORTS} ports and Blobs; send it in parts")
        self.sources.append(value.source)
        entry += ["F" if isinstance(value, File) else "B", *tail]

    def file_list(self, index: int, value: FileList, entry: list[Any]) -> None:
        entry.append("l")
        for number, item in enumerate(value):
            if not isinstance(item, File):
                raise self.here(index, f"a FileList holds a File at {number}, not a {type(item).__qualname__}")
            entry.append(self.slot(item, index, number))

    def port(self, index: int, value: Transferable, entry: list[Any]) -> None:
        number = self.ports.get(id(value))
        if number is None:
            raise self.here(index, f"a {type(value).__name__} goes only with the transfer list; add it there")
        entry += ["p", number]


def clip(value: object) -> str:
    """Return what an error says about a value, of bounded length."""
    if isinstance(value, str):
        return repr(value[:_CLIP])
    if isinstance(value, int) and value.bit_length() > _CLIP:
        return f"an int of {value.bit_length()} bits"
    return repr(value) if isinstance(value, int | float) else f"a {type(value).__qualname__}"


def _is_index(name: str) -> bool:
    return name.isdecimal() and name.isascii() and len(name) <= 10 and str(int(name)) == name and int(name) < 2**32 - 1


def text_of(error: BaseException) -> str:
    """Return the message of an exception, also of one that cannot say it."""
    try:
        return str.__str__(str(error))
    except Exception as failure:
        return f"a {type(error).__qualname__} that cannot say why: {type(failure).__qualname__}"


def error_name(error: BaseException) -> str:
    """Return which of JavaScript's Errors an exception becomes."""
    if isinstance(error, RemoteError):
        return error.name if error.name in ERROR_NAMES else "Error"
    return next((name for kind, name in _ERROR_OF.items() if isinstance(error, kind)), "Error")


def _advice(value: object) -> str:
    if hasattr(type(value), "__dataclass_fields__"):
        return "; send dataclasses.asdict(value)"
    if isinstance(value, AbstractSet | Mapping):
        return "; a set or dict with the same content can"
    if isinstance(value, date):
        return "; a datetime with a timezone can"
    if callable(value):
        return "; send a port, and call it when a message arrives there"
    return ""


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
    ImageData: _Encoder.image,
    JSError: _Encoder.exception,
    DOMException: _Encoder.dom_exception,
    Blob: _Encoder.blob,
    File: _Encoder.blob,
    FileList: _Encoder.file_list,
}

_BASES: Final[tuple[tuple[type, Callable[[_Encoder, int, Any, list[Any]], None]], ...]] = (
    (Transferable, _Encoder.port),
    (DOMException, _Encoder.dom_exception),
    (BaseException, _Encoder.exception),
    (dict, _Encoder.plain),
    (list, _Encoder.array),
    (FileList, _Encoder.file_list),
    (tuple, _Encoder.array),
    (set, _Encoder.set),
    (frozenset, _Encoder.set),
    (Set, _Encoder.set),
    (Map, _Encoder.mapping),
    (datetime, _Encoder.datetime),
    (Blob, _Encoder.blob),
    (bytes, _Encoder.bytes),
)
