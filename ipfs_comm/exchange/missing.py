"""The error for a block that nobody has: which one, what it is a part of, who was asked, and what each one said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import shown
from ipfs_comm.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.exchange.base import FetchContext
    from ipfs_comm.ipld import CID

__all__ = ["not_found"]


def not_found(
    cid: CID, context: FetchContext | None, *, store: str, answers: Mapping[str, str], advice: str
) -> NotFoundError:
    """Return the error for `cid`.

    Parameters
    ----------
    cid : CID
        The block that nobody has.
    context : FetchContext or None
        What it is a part of.
    store : str
        The blockstore that was looked into first.
    answers : mapping of str to str
        Who was asked then, and what they said, in that order.
    advice : str
        A sentence that says what to do.

    Returns
    -------
    NotFoundError
        Its ``detail`` has ``cid``, ``asked`` and, where they are known, ``path``, ``segment`` and ``answers``.
    """
    wanted = f"block {cid}"
    detail: dict[str, Any] = {"cid": str(cid), "asked": [store, *answers]}
    if answers:
        detail["answers"] = dict(answers)
    if context is not None and context.segment:
        wanted += f" (path segment {shown(context.segment)})"
        detail["segment"] = context.segment
    if context is not None and context.path:
        wanted += f" of {context.path}"
        detail["path"] = context.path
    asked = "".join(f"; {name}: {said}" for name, said in answers.items())
    return NotFoundError(f"{wanted} was not found: asked {store}{asked}. {advice}", detail=detail)
