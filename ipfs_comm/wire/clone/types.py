"""The JavaScript types that Python has no type of its own for."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any, Final, TypeAlias

from ipfs_comm.errors import RemoteError

__all__ = [
    "MAX_SAFE_INTEGER",
    "VIEW_FORMATS",
    "ArrayBuffer",
    "BigInt",
    "Boxed",
    "BytesLike",
    "DOMException",
    "Date",
    "JSError",
    "Map",
    "RegExp",
    "Set",
    "SparseArray",
    "Transferable",
    "Undefined",
    "View",
    "undefined",
]

BytesLike: TypeAlias = bytes | bytearray | memoryview

#: The largest integer that a JavaScript number holds together with its neighbours, 2^53 - 1.
MAX_SAFE_INTEGER: Final = 2**53 - 1

#: Element format (as in :mod:`struct`) of every view; its size is that of the element in bytes.
VIEW_FORMATS: Final = {
    "Int8Array": "b",
    "Uint8Array": "B",
    "Uint8ClampedArray": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Int32Array": "i",
    "Uint32Array": "I",
    "Float16Array": "e",
    "Float32Array": "f",
    "Float64Array": "d",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
    "DataView": "B",
}

ERROR_NAMES: Final = ("Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError")


class Transferable:
    """Base of what can stand in a transfer list as an object of its own: a port."""

    __slots__ = ()


class Undefined:
    """The type of :data:`undefined`; there is one of it, and it is false."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "undefined"


#: JavaScript's ``undefined``. ``None`` is ``null``.
undefined: Final = Undefined()


class ArrayBuffer:
    """An ArrayBuffer: bytes that several views may share.

    Parameters
    ----------
    data : bytes-like or int
        The bytes, or how many zero bytes.
    max_byte_length : int, optional
        Makes the buffer resizable up to so many bytes.
    """

    __slots__ = ("__weakref__", "_data", "max_byte_length")

    def __init__(self, data: BytesLike | int = b"", *, max_byte_length: int | None = None) -> None:
        view = memoryview(bytearray(data) if isinstance(data, int) else data)
        self._data: memoryview | None = view if view.format == "B" and view.ndim == 1 else view.cast("B")
        if max_byte_length is not None and max_byte_length < len(self._data or b""):
            raise ValueError(f"an ArrayBuffer of {len(view)} bytes cannot have a maximum of {max_byte_length}")
        self.max_byte_length = max_byte_length

    @property
    def data(self) -> memoryview:
        """The bytes, not copied; empty once the buffer was transferred."""
        return memoryview(b"") if self._data is None else self._data

    @property
    def detached(self) -> bool:
        """Whether the buffer was transferred away."""
        return self._data is None

    def detach(self) -> None:
        """Give the bytes up, as transferring does."""
        self._data = None

    def __len__(self) -> int:
        return len(self.data)

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def __repr__(self) -> str:
        return f"ArrayBuffer({'detached' if self.detached else f'{len(self)} bytes'})"


class View:
    """A view on an :class:`ArrayBuffer`, for the kinds that a memoryview cannot tell apart.

    Parameters
    ----------
    type : str
        Name of the constructor: ``"DataView"``, ``"Uint8ClampedArray"``, ``"Uint8Array"``, …
    buffer : ArrayBuffer
        What is looked at.
    offset : int
        Where the view begins, in bytes.
    length : int, optional
        In elements (of a DataView: bytes); None follows the length of a resizable buffer.
    """

    __slots__ = ("__weakref__", "buffer", "length", "offset", "type")

    def __init__(self, type: str, buffer: ArrayBuffer, offset: int = 0, length: int | None = None) -> None:  # noqa: A002
        if type not in VIEW_FORMATS:
            raise ValueError(f"there is no view {type!r}")
        size = struct.calcsize(VIEW_FORMATS[type])
        room = len(buffer) - offset
        if offset < 0 or offset % size or room < 0 or (length is not None and not 0 <= length * size <= room):
            raise ValueError(f"a {type} at {offset} of {length} elements does not fit {len(buffer)} bytes")
        self.type = type
        self.buffer = buffer
        self.offset = offset
        self.length = length

    @property
    def data(self) -> memoryview:
        """The view's own bytes, not copied."""
        size = struct.calcsize(VIEW_FORMATS[self.type])
        end = None if self.length is None else self.offset + self.length * size
        data = self.buffer.data[self.offset : end]
        return data[: len(data) // size * size]

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def __repr__(self) -> str:
        return f"View({self.type!r}, {self.buffer!r}, {self.offset}, {self.length})"


class Date:
    """A Date that :class:`datetime.datetime` cannot hold: outside its years, or invalid.

    Parameters
    ----------
    ms : int or float
        Milliseconds since the epoch, at most 8.64e15 away from it; NaN for an invalid date.
    """

    __slots__ = ("__weakref__", "ms")

    def __init__(self, ms: float) -> None:
        self.ms = ms

    def __repr__(self) -> str:
        return f"Date({self.ms})"


class RegExp:
    """A regular expression in JavaScript's syntax."""

    __slots__ = ("__weakref__", "flags", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        self.source = source
        self.flags = flags

    def __repr__(self) -> str:
        return f"/{self.source}/{self.flags}"


class BigInt(int):
    """A BigInt that a JavaScript number could hold too; a plain int beyond 2^53 - 1 is a BigInt without it."""

    __slots__ = ()


class Boxed:
    """A Boolean, Number, String or BigInt *object* around a primitive."""

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: bool | float | str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Boxed({self.value!r})"


class SparseArray:
    """An Array with holes or with named properties.

    Parameters
    ----------
    length : int
        The array's length; elements that are not in `items` are holes.
    items : dict of int to value, optional
        The elements that exist.
    properties : dict of str to value, optional
        The named properties.
    """

    __slots__ = ("__weakref__", "items", "length", "properties")

    def __init__(
        self, length: int, items: dict[int, Any] | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        self.length = length
        self.items: dict[int, Any] = {} if items is None else items
        self.properties: dict[str, Any] = {} if properties is None else properties

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"SparseArray({self.length}, {self.items!r}, {self.properties!r})"


def same_value_key(value: Any) -> tuple[str, Any]:
    """Return what is equal for two values exactly when SameValueZero (ECMA-262) holds for them.

    Numbers become text: hashes of text are salted, while anybody can write many numbers of one hash.
    """
    kind = type(value)
    if kind is str:
        return ("s", value)
    if kind is bool:
        return ("b", value)
    if kind is int:
        return ("n" if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else "i", hex(value))
    if kind is float:
        return ("n", hex(int(value)) if value.is_integer() else value.hex())
    if value is None:
        return ("0", None)
    if kind is BigInt:
        return ("i", hex(value))
    return ("o", id(value))


class Map(MutableMapping[Any, Any]):
    """A Map: ordered, any value as a key, keys told apart as JavaScript does (objects by identity)."""

    __slots__ = ("__weakref__", "_pairs")

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()) -> None:
        self._pairs: dict[tuple[str, Any], tuple[Any, Any]] = {}
        for key, value in pairs:
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._pairs[same_value_key(key)][1]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        self._pairs[same_value_key(key)] = (key, value)

    def __delitem__(self, key: Any) -> None:
        del self._pairs[same_value_key(key)]

    def __contains__(self, key: object) -> bool:
        return same_value_key(key) in self._pairs

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"<Map of {len(self)}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Set(MutableSet[Any]):
    """A Set: ordered, any value as a member, members told apart as JavaScript does (objects by identity)."""

    __slots__ = ("__weakref__", "_members")

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members: dict[tuple[str, Any], Any] = {same_value_key(member): member for member in members}

    def __contains__(self, value: object) -> bool:
        return same_value_key(value) in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def add(self, value: Any) -> None:
        """Add `value` unless it is a member."""
        self._members.setdefault(same_value_key(value), value)

    def discard(self, value: Any) -> None:
        """Take `value` away if it is a member."""
        self._members.pop(same_value_key(value), None)

    def __repr__(self) -> str:
        return f"<Set of {len(self)}>"


class JSError(RemoteError):
    """An Error object of JavaScript.

    Parameters
    ----------
    name : str
        One of Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError.
    properties : dict
        Those of ``message`` and ``stack`` (str) and ``cause`` (any value) that the object has of its own.
    """

    def __init__(self, name: str = "Error", properties: dict[str, Any] | None = None) -> None:
        super().__init__("", name=name)
        self.properties: dict[str, Any] = {}
        if properties:
            self.fill(properties)

    def rename(self, name: str) -> None:
        """Make it an error of another constructor."""
        self._name = name

    def fill(self, properties: dict[str, Any]) -> None:
        """Take the properties over; a cause that is an exception becomes the exception's cause in Python too."""
        self.properties = properties
        self.args = (properties.get("message", ""),)
        self.stack = properties.get("stack")
        cause = properties.get("cause")
        if isinstance(cause, BaseException) and cause is not self:
            self.__cause__ = cause

    @property
    def message(self) -> str:
        """The error's message, empty where it has none."""
        message: str = self.args[0]
        return message

    @property
    def cause(self) -> Any:
        """The error's cause; undefined where it has none."""
        return self.properties.get("cause", undefined)


class DOMException(RemoteError):  # noqa: N818  its name in the DOM
    """A DOMException of the page, such as AbortError."""

    def __init__(self, message: str = "", name: str = "Error") -> None:
        super().__init__(message, name=name)
        self.message = message
