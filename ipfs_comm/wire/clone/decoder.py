"""From slots, entries and buffers back to Python values. What comes in is hostile until it has been read here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.blob import Blob, BlobSource, File
from ipfs_comm.wire.clone.buffers import VIEW_FORMATS, ArrayBuffer, ImageData, View, view_size
from ipfs_comm.wire.clone.containers import FileList, Map, Set, SparseArray
from ipfs_comm.wire.clone.limits import MAX_BUFFERS, MAX_ENTRIES, MAX_MESSAGE, MAX_META, MAX_PORTS
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
    undefined,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Meta", "decode", "parse_meta"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999
_LAST_DATE_MS: Final = 8_640_000_000_000_000
_NUMBERS: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "-0": -0.0}
#: Views that a memoryview tells apart by its format.
_AS_MEMORYVIEW: Final = frozenset(VIEW_FORMATS) - {"Uint8ClampedArray", "DataView", "Float16Array"}


class Meta(NamedTuple):
    """The parsed JSON of a message; slots and entries are not yet checked."""

    root: Any
    entries: list[Any]
    sizes: list[int]
    port_ids: list[int]


def _refuse(reason: str) -> NoReturn:
    raise ProtocolError(f"a message breaks the protocol: {reason}")


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON")


_from_json = json.JSONDecoder(parse_constant=_constant).decode


#: typeshed asks for a literal format.
_cast = cast("Callable[[memoryview, str], memoryview]", memoryview.cast)


def _clip(value: Any) -> str:
    """Return what an error says about a parsed value; a long or a deep one is not written out."""
    if type(value) in (list, dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value[:40]) if type(value) is str else str(value)[:40]


def _natural(value: Any, bound: int, what: str) -> int:
    if type(value) is not int or not 0 <= value < bound:
        _refuse(f"{what} is {_clip(value)}, not an integer below {bound}")
    return value


def parse_meta(data: BytesLike) -> Meta:
    """Parse the JSON of a message.

    Raises
    ------
    ProtocolError
        It is not JSON, not of that shape, or beyond a limit.
    """
    if len(data) > MAX_META:
        _refuse(f"its meta has {len(data)} bytes, more than {MAX_META}")
    try:
        parsed = _from_json(str(data, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a message breaks the protocol: its meta is no JSON: {str(error)[:200]}") from error
    if type(parsed) is not list or len(parsed) != 4:
        _refuse("its meta is no list of four")
    root, entries, sizes, port_ids = parsed
    for name, items, limit in (
        ("entries", entries, MAX_ENTRIES),
        ("buffers", sizes, MAX_BUFFERS),
        ("ports", port_ids, MAX_PORTS),
    ):
        if type(items) is not list or len(items) > limit:
            _refuse(f"its {name} are no list of at most {limit}")
    total = 0
    for size in sizes:
        total += _natural(size, MAX_MESSAGE + 1, "a buffer's size")
    if total > MAX_MESSAGE:
        _refuse(f"its buffers have {total} bytes, more than {MAX_MESSAGE}")
    for port_id in port_ids:
        _natural(port_id, 2**32, "a port's id")
    if len(set(port_ids)) != len(port_ids):
        _refuse("a port's id occurs twice")
    return Meta(root, entries, sizes, port_ids)


def decode(
    root: Any,
    entries: list[Any],
    buffers: Sequence[BytesLike],
    ports: Sequence[Transferable] = (),
    sources: Sequence[BlobSource] = (),
) -> Any:
    """Build the value.

    Parameters
    ----------
    root, entries
        As in `docs/protocol.md`, section 4.
    buffers : sequence of bytes-like
        Used as they are, not copied.
    ports : sequence of ports
        The transferred ports, in order.
    sources : sequence of BlobSource
        Where the bytes of Blobs come from; numbered after the ports.

    Raises
    ------
    ProtocolError
        Something is out of range or of the wrong shape.
    """
    decoder = _Decoder(entries, buffers, ports, sources)
    decoder.run()
    return decoder.slot(root)


class _Decoder:
    """The state of one deserialization.

    Objects are made first and filled afterwards, so that cycles and depth cost no stack.
    """

    __slots__ = (
        "buffers",
        "count",
        "entries",
        "fills",
        "later",
        "objects",
        "ports",
        "sources",
        "used_buffers",
        "used_ports",
    )

    def __init__(
        self,
        entries: list[Any],
        buffers: Sequence[BytesLike],
        ports: Sequence[Transferable],
        sources: Sequence[BlobSource],
    ) -> None:
        self.entries = entries
        self.count = len(entries)
        self.buffers = buffers
        self.ports = ports
        self.sources = sources
        self.objects: list[Any] = [None] * len(entries)
        self.fills: list[tuple[Callable[[_Decoder, Any, list[Any]], None], Any, list[Any]]] = []
        #: The entries that need others to have their objects first.
        self.later: dict[str, list[int]] = {tag: [] for tag in _LATER}
        self.used_buffers: set[int] = set()
        self.used_ports: set[int] = set()

    def run(self) -> None:
        objects = self.objects
        fills = self.fills
        for index, entry in enumerate(self.entries):
            if type(entry) is not list or not entry or type(entry[0]) is not str:
                _refuse(f"entry {index} is no list that begins with its type")
            tag = entry[0]
            container = _CONTAINERS.get(tag)
            if container is not None:
                objects[index] = made = container[0]()
                fills.append((container[1], made, entry))
                continue
            if tag in _LATER:
                self.later[tag].append(index)
                continue
            leaf = _LEAVES.get(tag)
            if leaf is None:
                _refuse(f"entry {index} is of the unknown type {tag[:20]!r}")
            low, high, make = leaf
            if not low <= len(entry) <= high:
                _refuse(f"entry {index} of type {tag!r} has {len(entry)} members")
            objects[index] = make(self, entry)
        for tag, make in _LATER.items():
            for index in self.later[tag]:
                objects[index] = make(self, self.entries[index])
        for fill, made, entry in fills:
            fill(self, made, entry)

    def slot(self, value: Any) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else self.double(value)
        if kind is float:
            return self.number(value)
        if kind is not list:
            _refuse(f"a slot is a {kind.__name__}")
        if not value:
            return undefined
        first = value[0]
        if len(value) == 1:
            if type(first) is not int or not 0 <= first < self.count:
                _refuse(f"there is no entry {_clip(first)}")
            return self.objects[first]
        if len(value) == 2 and type(value[1]) is str:
            if first == "n" and value[1] in _NUMBERS:
                return _NUMBERS[value[1]]
            if first == "b":
                return self.big(value[1])
        _refuse(f"{_clip(value)} is no slot")

    def double(self, value: int) -> float:
        try:
            return float(value)
        except OverflowError:
            _refuse("a number is no IEEE double")

    def number(self, value: float) -> int | float:
        if value - value != 0.0:
            _refuse("a number is not finite")
        if value.is_integer() and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER and (value or str(value)[0] != "-"):
            return int(value)
        return value

    def big(self, text: str) -> int:
        digits = text.removeprefix("-")
        if not digits or digits.strip("0123456789abcdef") or (digits[0] == "0" and text != "0"):
            _refuse(f"{text[:40]!r} is no BigInt in hexadecimal digits")
        number = int(text, 16)
        return BigInt(number) if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER else number

    def primitive(self, value: Any, what: str) -> Any:
        if type(value) is list and (not value or len(value) == 1):
            _refuse(f"{what} is no primitive")
        return self.slot(value)

    def text(self, value: Any, what: str) -> str:
        if type(value) is not str:
            _refuse(f"{what} is no string")
        return value

    def plain(self, made: dict[str, Any], entry: list[Any]) -> None:
        slot = self.slot
        keys = entry[1::2]
        values = entry[2::2]
        if len(keys) != len(values):
            _refuse("an object has a key without a value")
        for key, value in zip(keys, values, strict=True):
            if type(key) is not str:
                _refuse("an object's key is no string")
            kind = type(value)
            made[key] = value if kind is str or value is None or kind is bool else slot(value)
        if len(made) != len(keys):
            _refuse("an object has a key twice")

    def array(self, made: list[Any], entry: list[Any]) -> None:
        slot = self.slot
        made.extend([slot(value) for value in entry[1:]])

    def sparse(self, made: SparseArray, entry: list[Any]) -> None:
        if len(entry) < 2 or len(entry) % 2:
            _refuse("an array has a key without a value")
        made.length = _natural(entry[1], 2**32, "an array's length")
        for key, value in zip(entry[2::2], entry[3::2], strict=True):
            self.text(key, "an array's key")
            number = int(key) if key.isdecimal() and key.isascii() and len(key) <= 10 else -1
            if 0 <= number < 2**32 - 1 and str(number) == key:
                if number >= made.length or made.properties or number in made.items:
                    _refuse(f"element {number} of an array of length {made.length} is out of place")
                made.items[number] = self.slot(value)
            else:
                if key in made.properties:
                    _refuse("an array has a property twice")
                made.properties[key] = self.slot(value)

    def mapping(self, made: Map, entry: list[Any]) -> None:
        keys = entry[1::2]
        values = entry[2::2]
        if len(keys) != len(values):
            _refuse("a Map has a key without a value")
        for key, value in zip(keys, values, strict=True):
            made[self.slot(key)] = self.slot(value)
        if len(made) != len(keys):
            _refuse("a Map has a key twice")

    def set(self, made: Set, entry: list[Any]) -> None:
        for value in entry[1:]:
            made.add(self.slot(value))
        if len(made) != len(entry) - 1:
            _refuse("a Set has a member twice")

    def error(self, made: JSError, entry: list[Any]) -> None:
        if len(entry) != 3 or entry[1] not in ERROR_NAMES or type(entry[2]) is not list or len(entry[2]) % 2:
            _refuse("an Error is not of the shape name, properties")
        flat = entry[2]
        keys = flat[0::2]
        if keys != [key for key in ("message", "stack", "cause") if key in keys]:
            _refuse("an Error has properties other than message, stack, cause")
        properties = {key: self.slot(value) for key, value in zip(keys, flat[1::2], strict=True)}
        for key in ("message", "stack"):
            if key in properties:
                self.text(properties[key], f"an Error's {key}")
        made.rename(entry[1])
        made.fill(properties)

    def date(self, entry: list[Any]) -> datetime | Date:
        ms = self.primitive(entry[1], "a Date")
        if type(ms) is int and _FIRST_MS <= ms <= _LAST_MS:
            return _EPOCH + timedelta(milliseconds=ms)
        if type(ms) is int and abs(ms) <= _LAST_DATE_MS:
            return Date(ms)
        if type(ms) is float and ms != ms:
            return Date(ms)
        _refuse("a Date is no whole number of milliseconds in its range")

    def regexp(self, entry: list[Any]) -> RegExp:
        return RegExp(self.text(entry[1], "a RegExp's source"), self.text(entry[2], "a RegExp's flags"))

    def boxed(self, entry: list[Any]) -> Boxed:
        value = self.primitive(entry[1], "a wrapped value")
        if value is None or value is undefined:
            _refuse("a wrapped value is no boolean, number, string or BigInt")
        return Boxed(value)

    def dom_exception(self, entry: list[Any]) -> DOMException:
        return DOMException(
            self.text(entry[2], "a DOMException's message"), self.text(entry[1], "a DOMException's name")
        )

    def array_buffer(self, entry: list[Any]) -> ArrayBuffer:
        number = _natural(entry[1], len(self.buffers), "a buffer's number")
        if number in self.used_buffers:
            _refuse(f"buffer {number} belongs to two ArrayBuffers")
        self.used_buffers.add(number)
        data = self.buffers[number]
        if len(entry) == 2:
            return ArrayBuffer(data)
        maximum = _natural(entry[2], MAX_SAFE_INTEGER + 1, "an ArrayBuffer's maximum")
        if maximum < len(data):
            _refuse(f"an ArrayBuffer of {len(data)} bytes has a maximum of {maximum}")
        return ArrayBuffer(data, max_byte_length=maximum)

    def view(self, entry: list[Any]) -> memoryview | View:
        if len(entry) != 5 or type(entry[1]) is not str or entry[1] not in VIEW_FORMATS:
            _refuse("a view is not of the shape type, buffer, offset, length")
        _, name, slot, offset, length = entry
        buffer = self.slot(slot)
        if type(buffer) is not ArrayBuffer:
            _refuse("a view looks at no ArrayBuffer")
        size = view_size(name)
        data = buffer.data
        _natural(offset, len(data) + 1, "a view's offset")
        if length is None:
            if buffer.max_byte_length is None:
                _refuse("a view follows a buffer that is not resizable")
        else:
            _natural(length, (len(data) - offset) // size + 1, "a view's length")
        if offset % size:
            _refuse(f"a {name} begins at {offset}")
        if length is None or name not in _AS_MEMORYVIEW:
            return View(name, buffer, offset, length)
        # Always a memoryview of its own: two views on one buffer are two objects.
        part = data[offset : offset + length * size]
        return part if size == 1 and name == "Uint8Array" else _cast(part, VIEW_FORMATS[name])

    def image(self, entry: list[Any]) -> ImageData:
        if len(entry) != 5 or type(entry[4]) is not str or len(entry[4]) > 64:
            _refuse("an ImageData is not of the shape data, width, height, color space")
        data = self.slot(entry[1])
        if type(data) is not View:
            _refuse("an ImageData has no Uint8ClampedArray or Float16Array")
        width, height = _natural(entry[2], 2**32, "a width"), _natural(entry[3], 2**32, "a height")
        try:
            return ImageData(data, width, height, entry[4])
        except ValueError as error:
            _refuse(str(error))

    def file_list(self, entry: list[Any]) -> FileList:
        files = [self.slot(value) for value in entry[1:]]
        if not all(type(file) is File for file in files):
            _refuse("a FileList holds something other than Files")
        return FileList(files)

    def take_port(self, number: int) -> int:
        if number in self.used_ports:
            _refuse(f"port {number} occurs twice")
        self.used_ports.add(number)
        return number

    def port(self, entry: list[Any]) -> Transferable:
        return self.ports[self.take_port(_natural(entry[1], len(self.ports), "a port's number"))]

    def blob(self, entry: list[Any]) -> Blob:
        kind = self.text(entry[1], "a Blob's type")
        size = _natural(entry[2], MAX_SAFE_INTEGER + 1, "a Blob's size")
        number = self.take_port(_natural(entry[3], 2**32, "a Blob's port")) - len(self.ports)
        if number < 0:
            _refuse("a Blob's port is a transferred one")
        if number >= len(self.sources):
            _refuse("a Blob's port is missing")
        source = self.sources[number]
        if entry[0] == "B":
            return Blob(source, type=kind, size=size)
        modified = self.primitive(entry[5], "a File's time")
        if type(modified) not in (int, float):
            _refuse("a File's time is no number")
        return File(source, self.text(entry[4], "a File's name"), type=kind, size=size, last_modified=modified)


_CONTAINERS: Final[dict[str, tuple[Callable[[], Any], Callable[[_Decoder, Any, list[Any]], None]]]] = {
    "o": (dict, _Decoder.plain),
    "a": (list, _Decoder.array),
    "A": (lambda: SparseArray(0), _Decoder.sparse),
    "m": (Map, _Decoder.mapping),
    "s": (Set, _Decoder.set),
    "e": (JSError, _Decoder.error),
}

#: In the order in which they are made.
_LATER: Final[dict[str, Callable[[_Decoder, list[Any]], Any]]] = {
    "v": _Decoder.view,
    "i": _Decoder.image,
    "l": _Decoder.file_list,
}

_LEAVES: Final[dict[str, tuple[int, int, Callable[[_Decoder, list[Any]], Any]]]] = {
    "d": (2, 2, _Decoder.date),
    "r": (3, 3, _Decoder.regexp),
    "w": (2, 2, _Decoder.boxed),
    "D": (3, 3, _Decoder.dom_exception),
    "x": (2, 3, _Decoder.array_buffer),
    "p": (2, 2, _Decoder.port),
    "B": (4, 4, _Decoder.blob),
    "F": (6, 6, _Decoder.blob),
}
