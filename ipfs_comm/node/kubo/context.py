"""What the namespaces of a daemon's node share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.node.kubo.errors import read_only
from ipfs_comm.node.kubo.over_blocks import OverBlocks
from ipfs_comm.node.stopped import Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    """

    def __init__(
        self,
        found: Found,
        *,
        offline: bool = False,
        read_only: bool = False,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.found = found
        self.defaults = dict(defaults or {})
        self.offline = offline
        self.read_only = read_only
        self._closed = False
        #: For the verbs of the embedded node that need blocks, names and pins, and nothing else of it.
        self.blocks = OverBlocks(found.rpc, offline=offline, read_only=read_only)

    @property
    def rpc(self) -> Rpc:
        """The daemon."""
        return self.found.rpc

    def offline_if(self, offline: bool) -> dict[str, Any]:
        """Return the option that has the daemon ask nobody else, where this call or this node says so."""
        return {"offline": True} if offline or self.offline else {}

    def writing(self, what: str) -> None:
        """Check that this node may write.

        Parameters
        ----------
        what : str
            The verb, for the error: ``"files.mkdir"``.

        Raises
        ------
        NotSupportedError
            With code ``ERR_DENIED``: it was opened to read alone.
        """
        if self.read_only:
            raise read_only(what)

    async def stop(self) -> None:
        """Close, and refuse whatever is asked from then on."""
        try:
            await self.close()
        finally:
            gone: Any = Stopped()
            self.found = self.blocks = gone

    async def close(self) -> None:
        """Give everything back; what still runs ends. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self.blocks.close()
        finally:
            await self.rpc.close()
