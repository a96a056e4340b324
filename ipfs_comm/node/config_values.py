"""Keys and values of a configuration, checked."""

from __future__ import annotations

import json
from typing import Any, Final

from ipfs_comm.errors import InvalidInputError, LimitError

__all__ = ["MAX_SIZE", "encoded", "parts_of"]

#: Most parts of a dotted key.
_MAX_PARTS: Final = 32
#: Longest configuration, in bytes of JSON.
MAX_SIZE: Final = 512 * 1024


def parts_of(key: str) -> list[str]:
    """Return the names in a dotted key.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    if not isinstance(key, str) or not key:
        raise InvalidInputError(f"key argument is required, as text such as 'Addresses.Swarm'; this is {key!r:.80}")
    parts = key.split(".")
    if len(parts) > _MAX_PARTS or not all(parts):
        raise InvalidInputError(f"{key!r:.80} is no key: names separated by single dots, at most {_MAX_PARTS} of them")
    return parts


def encoded(value: Any) -> bytes:
    """Return a value as JSON.

    Raises
    ------
    InvalidInputError
        JSON cannot hold it.
    LimitError
        It is too large, or too deep.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"a configuration holds what JSON can hold: {error}") from None
    except RecursionError:
        raise LimitError("a configuration of this depth cannot be kept: make it flatter") from None
    if len(text) > MAX_SIZE:
        raise LimitError(f"a configuration of {len(text)} bytes cannot be kept: at most {MAX_SIZE}")
    return text
