"""The exchange that has no source: a missing block is an error at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ipfs_comm.exchange.missing import not_found

if TYPE_CHECKING:
    from ipfs_comm.exchange.base import FetchContext
    from ipfs_comm.ipld import CID


class Offline:
    """Asks nobody.

    Parameters
    ----------
    store : str
        How errors name the blockstore that was looked into first, for example its directory.
    why : str
        Why nobody is asked.
    """

    def __init__(
        self,
        store: str = "the local blockstore",
        why: str = "this node is offline, with no other source to ask",
    ) -> None:
        self._store = store
        self._why = why

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> NoReturn:
        """Raise NotFoundError naming the CID, the path segment, who was asked and what to do."""
        raise not_found(
            cid,
            context,
            store=self._store,
            answers={},
            advice=f"Nobody else was asked: {self._why}. Add the content first (ipfs.add, ipfs.block.put), "
            "or let it ask gateways (`gateways`, or the environment variable IPFS_COMM_GATEWAYS).",
        )

    async def close(self) -> None:
        """Nothing to give back."""
