"""What Python has of numbers in memory (the buffer protocol, numpy), as the typed arrays of JavaScript.

numpy is never imported here: a value of numpy's can only be in a program that has imported it.
"""

from __future__ import annotations

import sys
from array import array
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ipfs_comm.wire.clone.types import BytesLike

__all__ = ["Elements", "elements", "is_bytes_like", "numpy_scalar"]

_ORDERS: Final = {"@": sys.byteorder, "=": sys.byteorder, "<": "little", ">": "big", "!": "big"}
#: By the letter of their format: signed, unsigned or floating. How long they are says the buffer, not the letter.
_KINDS: Final = dict.fromkeys("bhilqn", "i") | dict.fromkeys("?cBHILQN", "u") | dict.fromkeys("efd", "f")
_NAMES: Final = {
    ("i", 1): "Int8Array",
    ("u", 1): "Uint8Array",
    ("i", 2): "Int16Array",
    ("u", 2): "Uint16Array",
    ("i", 4): "Int32Array",
    ("u", 4): "Uint32Array",
    ("i", 8): "BigInt64Array",
    ("u", 8): "BigUint64Array",
    ("f", 2): "Float16Array",
    ("f", 4): "Float32Array",
    ("f", 8): "Float64Array",
}
#: Unsigned integers of so many bytes, for turning bytes round.
_WORDS: Final = {2: "H", 4: "I", 8: "Q"}


class Elements(NamedTuple):
    """A typed array to be: the name of its constructor, how many elements, and their bytes, which nobody changes."""

    name: str
    length: int
    data: BytesLike


def elements(value: Any, *, owned: bool = False) -> Elements:
    """Read an object that has the buffer protocol, such as bytes, array.array or a numpy array.

    Parameters
    ----------
    value : bytes-like
        One-dimensional; elements of any byte order. A strided one is copied element by element.
    owned : bool
        Whether the caller gives its memory away, so that it need not be copied.

    Raises
    ------
    ValueError
        It is no typed array; the message says why, and what to send instead.
    """
    if _is_of_numpy(value, "numpy.ma", "MaskedArray"):
        raise ValueError("a masked array has no values where it is masked; send value.filled(…)")
    if _is_of_numpy(value, "numpy", "generic"):
        raise ValueError(f"a numpy.{type(value).__name__} is no number; send what Python has for it")
    try:
        view = memoryview(value)
    except (TypeError, ValueError, BufferError) as error:
        raise ValueError(f"the memory of a {type(value).__qualname__} cannot be read ({error})") from error
    code, order = view.format, sys.byteorder
    if code[:1] in _ORDERS:
        code, order = code[1:], _ORDERS[code[0]]
    name = _NAMES.get((_KINDS.get(code, ""), view.itemsize))
    if name is None:
        raise ValueError(
            f"elements of format {view.format!r} are those of no typed array; "
            "integers and floats of 1 to 8 bytes are: convert them, or send value.tolist()"
        )
    if view.ndim != 1:
        advice = "send value.item()" if not view.ndim else "send value.ravel(), and value.shape beside it"
        raise ValueError(f"an array of {view.ndim} dimensions is no typed array; {advice}")
    length = len(view)
    if order != "little" and view.itemsize > 1:
        return Elements(name, length, _swapped(view.tobytes(), view.itemsize))
    if not view.c_contiguous:
        if owned:
            raise ValueError("a strided array cannot be given away; leave it off the transfer list, and it is copied")
        return Elements(name, length, view.tobytes())
    if owned or type(view.obj) is bytes:
        plain = view.format == "B"
        return Elements(name, length, view if plain else PickleBuffer(view).raw())
    return Elements(name, length, view.tobytes())


def is_bytes_like(value: Any) -> bool:
    """Whether a value has the buffer protocol, also one whose elements no typed array has."""
    try:
        memoryview(value).release()
    except TypeError:
        return False
    except (ValueError, BufferError):
        return True
    return True


def _swapped(data: bytes, size: int) -> memoryview:
    """Return `data` with the bytes of every element of `size` bytes turned round."""
    words = array(_WORDS[size])
    words.frombytes(data)
    words.byteswap()
    return memoryview(words).cast("B")


def numpy_scalar(value: Any) -> bool | int | float | None:
    """Return a scalar of numpy's as Python's own number; None for everything else."""
    if not _is_of_numpy(value, "numpy", "generic"):
        return None
    number = value.item()
    return number if type(number) in (bool, int, float) else None


def _is_of_numpy(value: Any, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)
