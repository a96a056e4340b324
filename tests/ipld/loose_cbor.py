"""A CBOR reader that takes what dag-cbor refuses, to make the values that an encoder must refuse."""

from __future__ import annotations

import struct
from typing import Any


class Foreign:
    """A CBOR value that Python has no type for: undefined, or an unassigned simple value."""


def read(data: bytes) -> Any:
    value, rest = _item(data)
    assert rest == b""
    return value


def _item(data: bytes) -> tuple[Any, bytes]:
    major, info, data = data[0] >> 5, data[0] & 31, data[1:]
    if major == 7:
        if size := {25: 2, 26: 4, 27: 8}.get(info):
            return struct.unpack({2: ">e", 4: ">f", 8: ">d"}[size], data[:size])[0], data[size:]
        return {20: False, 21: True, 22: None}.get(info, Foreign()), data
    if info > 23:
        size = 1 << info - 24
        info, data = int.from_bytes(data[:size], "big"), data[size:]
    if major in (2, 3):
        return (data[:info] if major == 2 else data[:info].decode("utf-8", "surrogatepass")), data[info:]
    if major == 6:
        value, data = _item(data)
        number = int.from_bytes(value, "big") if isinstance(value, bytes) else 0
        return {2: number, 3: -1 - number}.get(info, Foreign()), data
    if major in (4, 5):
        items = []
        for _ in range(info * (major - 3)):
            item, data = _item(data)
            items.append(item)
        return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), data
    return (info if major == 0 else -1 - info), data
