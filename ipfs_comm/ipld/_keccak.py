"""Keccak with the padding that it had before it became SHA-3, as Ethereum uses it; ``hashlib`` has only the later one.

Specification: The Keccak reference, version 3.0 (Keccak-f[1600], multi-rate padding). The state is one integer of 1600
bits: lane ``x + 5 y`` is its 64 bits from ``64 (x + 5 y)`` on, so that a step takes all lanes at once.
"""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KECCAK", "SHA3", "keccak"]

#: The bits that follow the message: those of Keccak as it was handed in, and those of FIPS 202.
KECCAK: Final = 0x01
SHA3: Final = 0x06

_LANE: Final = (1 << 64) - 1
_PLANE: Final = (1 << 320) - 1
_STATE: Final = (1 << 1600) - 1


def _lanes(value: int, wanted: Callable[[int], bool]) -> int:
    """Return a state that has `value` in the lanes that are wanted."""
    return sum(value << 64 * lane for lane in range(25) if wanted(lane))


def _round_constants() -> tuple[int, ...]:
    """Return what is added in each of the 24 rounds: bits of a linear feedback shift register."""
    register, found = 1, []
    for _ in range(24):
        constant = 0
        for place in range(7):
            if register & 1:
                constant |= 1 << (1 << place) - 1
            register = register << 1 ^ (register >> 7) * 0x171
        found.append(constant)
    return tuple(found)


def _rotations() -> list[int]:
    """Return by how many bits each lane is rotated."""
    found = [0] * 25
    x, y = 1, 0
    for step in range(24):
        found[x + 5 * y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return found


def _origins() -> list[int]:
    """Return for each lane the one that moves to its place."""
    found = [0] * 25
    for x in range(5):
        for y in range(5):
            found[y + 5 * ((2 * x + 3 * y) % 5)] = x + 5 * y
    return found


def _rotation_steps() -> tuple[tuple[int, int, int, int, int], ...]:
    """Return, for each power of two, which lanes stay, and how and with which bits the others are rotated by it."""
    rotations, found = _rotations(), []
    for power in range(6):
        by = 1 << power
        low = (1 << by) - 1

        turning = {lane for lane, rotation in enumerate(rotations) if rotation >> power & 1}
        stay = _STATE ^ _lanes(_LANE, turning.__contains__)
        found.append((stay, by, _lanes(_LANE ^ low, turning.__contains__), 64 - by, _lanes(low, turning.__contains__)))
    return tuple(found)


_ROUNDS: Final = _round_constants()
_ROTATE: Final = _rotation_steps()
_MOVED: Final = itemgetter(*_origins())
_AS_LANES: Final = struct.Struct("<25Q")
#: A one in each plane, and what is left of a plane's lanes when they are rotated by one bit.
_EACH_PLANE: Final = sum(1 << 320 * plane for plane in range(5))
_LOWEST: Final = sum(1 << 64 * lane for lane in range(5))
_HIGHER: Final = _PLANE ^ _LOWEST
#: Lanes whose right neighbour, and whose second one, is in the same row without going round.
_NEXT: Final = _lanes(_LANE, lambda lane: lane % 5 < 4)
_AROUND: Final = _STATE ^ _NEXT
_SECOND: Final = _lanes(_LANE, lambda lane: lane % 5 < 3)
_SECOND_AROUND: Final = _STATE ^ _SECOND


def _permuted(state: int) -> int:
    for constant in _ROUNDS:
        parity = (state ^ state >> 320 ^ state >> 640 ^ state >> 960 ^ state >> 1280) & _PLANE
        right = parity >> 64 | parity << 256 & _PLANE
        left = parity << 64 & _PLANE | parity >> 256
        state ^= (left ^ (right << 1 & _HIGHER | right >> 63 & _LOWEST)) * _EACH_PLANE
        for stay, by, up, back, down in _ROTATE:
            state = state & stay | state << by & up | state >> back & down
        moved = _MOVED(_AS_LANES.unpack(state.to_bytes(200, "little")))
        state = int.from_bytes(_AS_LANES.pack(*moved), "little")
        following = (state >> 64 & _NEXT | state << 256 & _AROUND) ^ _STATE
        state ^= following & (state >> 128 & _SECOND | state << 192 & _SECOND_AROUND) ^ constant
    return state


def keccak(data: bytes | bytearray | memoryview, bits: int, padding: int = KECCAK) -> bytes:
    """Return the Keccak digest of ``data``.

    A megabyte takes seconds: nothing for a loop that others wait for.

    Parameters
    ----------
    data : bytes-like
    bits : int
        Length of the digest: 224, 256, 384 or 512.
    padding : int
        ``KECCAK`` or ``SHA3``.

    Returns
    -------
    bytes
    """
    rate = 200 - bits // 4
    view = memoryview(data).cast("B")
    whole = len(view) - len(view) % rate
    state = 0
    for at in range(0, whole, rate):
        state = _permuted(state ^ int.from_bytes(view[at : at + rate], "little"))
    last = bytearray(rate)
    last[: len(view) - whole] = view[whole:]
    last[len(view) - whole] ^= padding
    last[-1] ^= 0x80
    state = _permuted(state ^ int.from_bytes(last, "little"))
    return state.to_bytes(200, "little")[: bits // 8]
