"""What the namespaces of a daemon's node share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.exchange import Offline
from ipfs_comm.node.embedded.context import Context as BlockContext
from ipfs_comm.node.kubo.blocks import KuboBlocks

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.find import Found
    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["Context"]


class Context:
    """One daemon, and its blocks for what is made of blocks alone.

    Parameters
    ----------
    found : Found
    offline : bool
        Have the daemon ask nobody else, in every call that lets one say so.
    read_only : bool
        Refuse whatever would write.
    """

    def __init__(self, found: Found, *, offline: bool = False, read_only: bool = False) -> None:
        self.found = found
        self.offline = offline
        self.read_only = read_only
        where = f"the Kubo daemon at {found.rpc.address}"
        #: For the verbs of the embedded node that need blocks and nothing else of it.
        self.blocks = BlockContext(KuboBlocks(found.rpc, offline=offline), Offline(where), offline=offline)

    @property
    def rpc(self) -> Rpc:
        """The daemon."""
        return self.found.rpc

    def offline_if(self, offline: bool) -> dict[str, Any]:
        """Return the option that has the daemon ask nobody else, where this call or this node says so."""
        return {"offline": True} if offline or self.offline else {}

    async def close(self) -> None:
        """Give everything back; what still runs ends."""
        try:
            await self.blocks.close()
        finally:
            await self.rpc.close()
