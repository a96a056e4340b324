"""What an exchange is: where blocks come from that are not in the blockstore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID


@dataclass(frozen=True, slots=True)
class FetchContext:
    """Why a block is wanted, for errors that say so.

    Parameters
    ----------
    path : str
        The content path being followed, as the caller wrote it; empty where there is none.
    segment : str
        The path segment that led to the block; empty for the root.
    timeout : float or None
        Seconds until the caller gives up; None where only cancelling ends the call.
    offline : bool
        Whether nobody is to be asked: what the blockstore does not have is an error at once.
    """

    path: str = ""
    segment: str = ""
    timeout: float | None = None
    offline: bool = False


@runtime_checkable
class Exchange(Protocol):
    """A source of blocks."""

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        """Return the block's bytes, verified against `cid`.

        Raises
        ------
        NotFoundError
            Nobody has it, or nobody gave it before ``context.timeout`` was over; the message names CID, path segment,
            who was asked, what they said and what to do.
        """
        ...

    async def close(self) -> None:
        """Give back connections and tasks. Closing twice is allowed."""
        ...
