"""The exchange that has no source: a missing block is an error at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ipfs_comm.errors import NotFoundError

if TYPE_CHECKING:
    from ipfs_comm.exchange.base import FetchContext
    from ipfs_comm.ipld import CID


class Offline:
    """Asks nobody.

    Parameters
    ----------
    store : str
        How errors name the blockstore that was looked into first, for example its directory.
    """

    def __init__(self, store: str = "the local blockstore") -> None:
        self._store = store

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> NoReturn:
        """Raise NotFoundError naming the CID, the path segment, who was asked and what to do."""
        wanted = f"block {cid}"
        detail = {"cid": str(cid), "asked": [self._store]}
        if context is not None and context.segment:
            wanted += f" (path segment {context.segment!r})"
            detail["segment"] = context.segment
        if context is not None and context.path:
            wanted += f" of {context.path}"
            detail["path"] = context.path
        raise NotFoundError(
            f"{wanted} was not found: asked {self._store}, and this node is offline, with no other source to ask. "
            "Add the content to this node first (ipfs.add, ipfs.block.put), or use a node that can reach its peers.",
            detail=detail,
        )

    async def close(self) -> None:
        """Nothing to give back."""
