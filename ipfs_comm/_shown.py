"""Values as errors show them: in a few characters, however large and whatever they are."""

from __future__ import annotations

import reprlib
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["cut", "listed", "shown"]

#: Characters of one value.
_MOST: Final = 80


class _Repr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 5
        self.maxstring = self.maxlong = self.maxother = _MOST

    def repr_int(self, value: int, level: int) -> str:
        # Beyond some thousand digits Python refuses to write a number.
        return f"a number of {value.bit_length()} bits" if value.bit_length() > 1024 else super().repr_int(value, level)

    def repr_bytes(self, value: bytes, level: int) -> str:
        return self.repr_str(value, level)  # type: ignore[arg-type]  # it cuts whatever has parts and a repr

    repr_bytearray = repr_bytes


_REPR: Final = _Repr()


def shown(value: Any) -> str:
    """Return the representation of a value, cut in its middle: ``'short'``, ``'long…'``, a few members of a mapping."""
    text = _REPR.repr(value)
    return cut(text, 3 * _MOST)


def listed(values: Collection[Any], most: int = 5) -> str:
    """Return the first few values, and how many more there are: ``'a', 'b' and 3 more``."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(shown, islice(values, most))) + more


def cut(text: str, most: int) -> str:
    """Return a text without its middle where it has more than ``most`` characters: its end may say what to do."""
    if len(text) <= most:
        return text
    tail = most // 4
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"
