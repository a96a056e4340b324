"""Where in a message a value is, for the one who has to find it: ``message.options.callback``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["path_to"]

#: Steps that are written out at each end of a long path; the longest that is written out whole.
_ENDS: Final = 8
_WHOLE: Final = 20
#: Characters of one step.
_STEP: Final = 80


def path_to(parent: int, key: str | int, origins: Sequence[tuple[int, Any]], entries: Sequence[Sequence[Any]]) -> str:
    """Return the path to a value.

    Parameters
    ----------
    parent : int
        The entry that the value stands in, -1 for the message itself.
    key : str or int
        Its name or number there. Keys and values of a Map are numbered in turns.
    origins : sequence of (int, key)
        The same for every entry.
    entries : sequence of entries
        As far as they have been written.

    Returns
    -------
    str
        Of bounded length: the middle of a long one is left out.
    """
    links: list[tuple[int, str | int]] = []
    while parent >= 0:
        links.append((parent, key))
        parent, key = origins[parent]
    links.reverse()
    left_out = ""
    if len(links) > _WHOLE:
        left_out = f"…({len(links) - 2 * _ENDS} more)…"
        links[_ENDS:-_ENDS] = [(-1, "")]
    return "message" + "".join(left_out if at < 0 else _step(step, entries[at]) for at, step in links)


def _step(key: str | int, entry: Sequence[Any]) -> str:
    if isinstance(key, int):
        tag = entry[0] if entry else "a"
        if tag == "m":
            return f"<{'value' if key % 2 else 'key'} {key // 2}>"
        return f"<item {key}>" if tag == "s" else f"[{key}]"
    if key.isidentifier() and len(key) <= _STEP:
        return f".{key}"
    return f"[{json.dumps(key if len(key) <= _STEP else f'{key[:_STEP]}…', ensure_ascii=not key.isprintable())}]"
