"""Protobuf messages of numbers and bytes: what keys and records are written in.

Specification: Protocol Buffers, "Encoding". No message here has groups; like every field that is not known, or that is
of another kind than the known one, they are passed over, as Go's and JavaScript's readers do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["WireError", "read", "varint", "write"]

_U64: Final = (1 << 64) - 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OPEN_GROUP, _CLOSE_GROUP = 3, 4
_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}
_MAX_NUMBER: Final = (1 << 29) - 1


class WireError(Exception):
    """Bytes that are no such message; whoever reads turns it into an error that says of what."""


def varint(value: int) -> bytes:
    """Return a number from 0 to 2^64 - 1 as a varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write(fields: Iterable[tuple[int, int | bytes | None]]) -> bytes:
    """Return the message of (field number, value) in the order given; a value of None is left out."""
    parts: list[bytes] = []
    for number, value in fields:
        if isinstance(value, int):
            parts += (varint(number << 3 | _VARINT), varint(value))
        elif value is not None:
            parts += (varint(number << 3 | _BYTES), varint(len(value)), value)
    return b"".join(parts)


def read(data: bytes, known: Mapping[int, type[int | bytes]]) -> dict[int, int | bytes]:
    """Return the fields of a message that are known and of the known kind; the last of a repeated one counts.

    Parameters
    ----------
    data : bytes
        The whole message.
    known : mapping of int to type
        ``int`` or ``bytes`` for each field number.

    Raises
    ------
    WireError
        The bytes end too early, a number is too long, or groups do not match.
    """
    fields: dict[int, int | bytes] = {}
    groups: list[int] = []
    at, end = 0, len(data)
    while at < end:
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if not 0 < number <= _MAX_NUMBER:
            raise WireError(f"a field has number {number}")
        if wire == _OPEN_GROUP:
            groups.append(number)
            continue
        if wire == _CLOSE_GROUP:
            if not groups or groups.pop() != number:
                raise WireError(f"a group {number} ends that did not begin")
            continue
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        else:
            if wire == _BYTES:
                size, at = _read_varint(data, at)
            elif wire in _SIZES:
                size = _SIZES[wire]
            else:
                raise WireError(f"field {number} has wire type {wire}")
            if size > end - at:
                raise WireError(f"field {number} is cut off")
            value = data[at : at + size]
            at += size
        if number in known and not groups and wire not in _SIZES and isinstance(value, known[number]):
            fields[number] = value
    if groups:
        raise WireError(f"a group {groups[-1]} does not end")
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if at + index >= len(data):
            raise WireError("it is cut off within a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value > _U64:
                break
            return value, at + index + 1
    raise WireError("a number is longer than 64 bits")
