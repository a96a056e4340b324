"""Unsigned varints, as multiformats use them.

Specification: multiformats/unsigned-varint (least significant group first, at most nine bytes, minimal).
"""

from __future__ import annotations

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError

__all__ = ["MAX_BYTES", "MAX_VALUE", "decode", "encode", "size"]

#: Longest encoding that the specification allows, in bytes.
MAX_BYTES = 9
#: Largest value that fits into it.
MAX_VALUE = (1 << 63) - 1

_ONE_BYTE = tuple(bytes((value,)) for value in range(128))


def encode(value: int) -> bytes:
    """Return ``value`` as a varint.

    Parameters
    ----------
    value : int
        From 0 to 2^63 - 1.

    Returns
    -------
    bytes
        One to nine bytes.

    Raises
    ------
    InvalidInputError
        The value is out of range.
    """
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if not 0 <= value <= MAX_VALUE:
        raise InvalidInputError(f"{shown(value)} does not fit into a varint: it must be from 0 to 2^63 - 1")
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def size(value: int) -> int:
    """Return how many bytes :func:`encode` makes of ``value``.

    Raises
    ------
    InvalidInputError
        The value is out of range.
    """
    if not 0 <= value <= MAX_VALUE:
        raise InvalidInputError(f"{shown(value)} does not fit into a varint: it must be from 0 to 2^63 - 1")
    return max(1, (value.bit_length() + 6) // 7)


def decode(data: bytes | memoryview, offset: int = 0) -> tuple[int, int]:
    """Read the varint that begins at ``offset``.

    Parameters
    ----------
    data : bytes or memoryview of bytes
        What to read from.
    offset : int, optional
        Where to begin, in bytes.

    Returns
    -------
    tuple of int
        The value, and the offset of the byte after it.

    Raises
    ------
    InvalidInputError
        The bytes end too early, the varint is longer than nine bytes, or it is not minimal.
    """
    value = shift = 0
    for position in range(offset, min(offset + MAX_BYTES, len(data))):
        byte = data[position]
        value |= (byte & 127) << shift
        if byte < 128:
            if byte == 0 and shift:
                raise InvalidInputError(f"the varint at byte {offset} is not minimal: it ends in a zero group")
            return value, position + 1
        shift += 7
    if shift >= 7 * MAX_BYTES:
        raise InvalidInputError(f"the varint at byte {offset} is longer than {MAX_BYTES} bytes")
    raise InvalidInputError(f"the varint at byte {offset} is cut off: the bytes end after {len(data)}")
