"""Single options of verbs, checked."""

from __future__ import annotations

from typing import Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError

__all__ = ["bytes_from", "checked_bytes"]

#: Most bytes that are signed.
_MOST: Final = 2**20


def checked_bytes(value: object, what: str) -> bytes:
    """Return bytes of at most 1 MiB.

    Raises
    ------
    InvalidInputError
        It is something else.
    """
    if not isinstance(value, bytes | bytearray | memoryview) or memoryview(value).nbytes > _MOST:
        raise InvalidInputError(f"{what} is bytes, at most {_MOST} of them")
    return bytes(value)


def bytes_from(name: str, value: object) -> int:
    """Check an option that is a number of bytes.

    Raises
    ------
    InvalidInputError
        It is no whole number from zero.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInputError(
            f"{name} is {shown(value)}: a whole number of bytes from zero is needed", code="ERR_INVALID_PARAMS"
        )
    return value
