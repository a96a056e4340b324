"""``block``: put, get, rm, stat."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError, InvalidInputError, IPFSCommError, NotFoundError
from ipfs_comm.node.api import BlockRemoval
from ipfs_comm.node.embedded import block as embedded
from ipfs_comm.node.kubo.answers import Said

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.kubo.context import Context

#: Blocks that one call removes: its arguments are in a URL.
_BATCH: Final = 256
_ABSENT: Final = re.compile(r"not found|could not find", re.IGNORECASE)


class Block(embedded.Block):
    """Raw blocks of a daemon; see ``ipfs_comm.node.embedded.block``."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.blocks)
        self._kubo = context

    async def _rm(self, cids: list[CID], force: bool, quiet: bool) -> AsyncGenerator[BlockRemoval, None]:
        self._kubo.writing("block.rm")
        for start in range(0, len(cids), _BATCH):
            batch = iter(cids[start : start + _BATCH])
            texts = [str(cid) for cid in cids[start : start + _BATCH]]
            async with aclosing(self._kubo.rpc.lines("block/rm", *texts, force=force)) as lines:
                async for line in lines:
                    said = Said("block/rm", line)
                    told = said.cid("Hash")
                    # In the order that they were given; what is passed over has no line.
                    cid = next((one for one in batch if one.multihash == told.multihash), None)
                    if cid is None:
                        raise DaemonError(f"block/rm: the daemon tells of {told}, which it was not told to remove")
                    removal = BlockRemoval(cid, self._why(cid, said.text("Error", "")))
                    if removal.error is not None or not quiet:
                        yield removal
            if not force and (left := next(batch, None)) is not None:
                raise DaemonError(f"block/rm: the daemon does not tell whether it has removed {left}")

    def _why(self, cid: CID, said: str) -> IPFSCommError | None:
        """Return the error for what a daemon says of a block that it did not remove."""
        detail = {"cid": str(cid)}
        if not said:
            return None
        if _ABSENT.search(said):
            return NotFoundError(
                f"block not found: {cid} is not in the daemon's repository, so there is nothing to remove",
                detail=detail,
            )
        if "pinned" in said:
            return InvalidInputError(
                f"block {cid} is {said}: remove the pin before the block", code="ERR_PINNED", detail=detail
            )
        return DaemonError(f"cannot remove {cid}: {said}", detail=detail)
