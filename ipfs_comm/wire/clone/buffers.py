"""ArrayBuffer, the views on it, and what is made of one: where several objects may look at the same bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.wire.clone.types import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from ipfs_comm.wire.clone.types import BytesLike

__all__ = ["VIEW_FORMATS", "ArrayBuffer", "ImageData", "View", "view_size"]

#: Element format (as in :mod:`struct`) of every view.
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
_SIZES: Final = {name: struct.calcsize(code) for name, code in VIEW_FORMATS.items()}
_KINDS: Final = {"e": "f", "f": "f", "d": "f", "b": "i", "h": "i", "i": "i", "q": "i"}


def view_size(name: str) -> int:
    """Return the bytes of one element of a view of that name."""
    return _SIZES[name]


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
        if max_byte_length is not None and not len(self._data) <= max_byte_length <= MAX_SAFE_INTEGER:
            raise ValueError(f"an ArrayBuffer of {len(self._data)} bytes cannot have a maximum of {max_byte_length}")
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

    ``numpy.asarray(view)`` gives its elements without copying them.

    Parameters
    ----------
    type : str
        Name of the constructor: ``"DataView"``, ``"Uint8ClampedArray"``, ``"Float16Array"``, …
    buffer : ArrayBuffer
        What is looked at.
    offset : int
        Where the view begins, in bytes.
    length : int, optional
        In elements (of a DataView: bytes). Without it the view ends with its buffer, and follows the length of a
        resizable one (`length` stays None then).
    """

    __slots__ = ("__weakref__", "buffer", "length", "offset", "type")

    def __init__(self, type: str, buffer: ArrayBuffer, offset: int = 0, length: int | None = None) -> None:  # noqa: A002  the name of JavaScript's side
        if type not in VIEW_FORMATS:
            raise ValueError(f"there is no view {type!r}")
        self.type = type
        self.buffer = buffer
        self.offset = offset
        self.length = length
        if length is None and buffer.max_byte_length is None:
            self.length, rest = divmod(len(buffer) - offset, _SIZES[type])
            if rest:
                raise ValueError(f"{len(buffer)} bytes from {offset} on are no whole number of elements of a {type}")
        if not self.fits:
            raise ValueError(f"a {type} at {offset} of {length} elements does not fit {len(buffer)} bytes")

    @property
    def fits(self) -> bool:
        """Whether the view lies within its buffer, at a place where its elements may begin."""
        size = _SIZES[self.type]
        room = len(self.buffer) - self.offset
        return (
            self.offset >= 0
            and self.offset % size == 0
            and room >= 0
            and (self.buffer.max_byte_length is not None if self.length is None else 0 <= self.length * size <= room)
        )

    @property
    def data(self) -> memoryview:
        """The view's own bytes, not copied."""
        size = _SIZES[self.type]
        end = None if self.length is None else self.offset + self.length * size
        data = self.buffer.data[self.offset : end]
        return data[: len(data) // size * size]

    @property
    def __array_interface__(self) -> dict[str, Any]:
        size = _SIZES[self.type]
        return {
            "version": 3,
            "shape": (len(self.data) // size,),
            "typestr": f"<{_KINDS.get(VIEW_FORMATS[self.type], 'u')}{size}",
            "data": self.data,
        }

    def __len__(self) -> int:
        return len(self.data) // _SIZES[self.type]

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def __repr__(self) -> str:
        return f"View({self.type!r}, {self.buffer!r}, {self.offset}, {self.length})"


class ImageData:
    """An ImageData: pixels of four channels, row by row.

    ``numpy.asarray(image)`` gives them as `height` x `width` x 4, not copied.

    Parameters
    ----------
    data : View
        A Uint8ClampedArray, or a Float16Array, of exactly `width` x `height` x 4 elements.
    width, height : int
        In pixels, at least 1.
    color_space : str
        ``"srgb"`` or ``"display-p3"``.
    """

    __slots__ = ("__weakref__", "color_space", "data", "height", "width")

    def __init__(self, data: View, width: int, height: int, color_space: str = "srgb") -> None:
        self.data = data
        self.width = width
        self.height = height
        self.color_space = color_space
        if not self.fits:
            raise ValueError(f"an image of {width} x {height} pixels is not made of {data!r}")

    @property
    def fits(self) -> bool:
        """Whether the data are what an image of this size is made of."""
        return (
            isinstance(self.data, View)
            and self.data.type in {"Uint8ClampedArray", "Float16Array"}
            and type(self.width) is type(self.height) is int
            and 1 <= self.width < 2**32
            and 1 <= self.height < 2**32
            and len(self.data) == self.width * self.height * 4
            and isinstance(self.color_space, str)
            and len(self.color_space) <= 64
        )

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.data.__array_interface__ | {"shape": (self.height, self.width, 4)}

    def __repr__(self) -> str:
        return f"<ImageData {self.width} x {self.height}, {self.color_space}>"
