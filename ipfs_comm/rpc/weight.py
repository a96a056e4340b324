"""How much memory a value that came in a message takes: what read-ahead counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, Final

from ipfs_comm.wire import clone

__all__ = ["weight"]

#: What any value counts for beside its own bytes.
OVERHEAD: Final = 64
_FREE: Final = frozenset({type(None), bool, float, clone.Undefined})


def weight(value: object) -> int:
    """Return about how many bytes of memory a value takes.

    Parameters
    ----------
    value : any
        As the clone delivered it: parts may be shared, contain each other, and be as deep as they like.

    Returns
    -------
    int
        Bytes; shared parts count once. A view on an ArrayBuffer counts for its own bytes where it came as a memoryview,
        else for the whole buffer.
    """
    if isinstance(value, memoryview):
        return value.nbytes + OVERHEAD
    total = 0
    pending: list[Any] = [value]
    seen = {id(value)}
    while pending:
        size, parts = _own(pending.pop())
        total += size + OVERHEAD
        for part in parts:
            if type(part) not in _FREE and id(part) not in seen:
                seen.add(id(part))
                pending.append(part)
    return total


def _own(item: Any) -> tuple[int, Iterable[object]]:
    """Return the bytes of one object without its parts, and the parts."""
    size = 0
    parts: Iterable[object] = ()
    if isinstance(item, dict):
        parts = item.values()
    elif isinstance(item, str):
        size = len(item)
    elif isinstance(item, memoryview):
        size = item.nbytes
    elif isinstance(item, list | tuple | AbstractSet):
        parts = item
    elif isinstance(item, int):
        size = item.bit_length() // 8
    elif isinstance(item, clone.ArrayBuffer):
        size = len(item.data)
    elif isinstance(item, clone.View):
        parts = (item.buffer,)
    elif isinstance(item, clone.ImageData):
        parts = (item.data,)
    elif isinstance(item, Mapping):
        parts = chain.from_iterable(item.items())
    elif isinstance(item, clone.SparseArray):
        parts = (item.items, item.properties)
    elif isinstance(item, clone.Boxed):
        parts = (item.value,)
    elif isinstance(item, clone.RegExp):
        parts = (item.source, item.flags)
    elif isinstance(item, clone.JSError):
        parts = item.properties.values()
    elif isinstance(item, clone.DOMException):
        parts = (item.message, item.name)
    return size, parts
