"""``bootstrap``: the peers that the daemon begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.node.api import BootstrapResult
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.multiaddr import peer_address
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context


class Bootstrap:
    """The setting ``Bootstrap`` of a daemon, in which ``auto`` stands for the peers that AutoConf tells.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Add a peer; one that is there already stays once."""
        added = peer_address(addr)
        self._context.writing("bootstrap.add")
        async with deadline(timeout, "bootstrap.add"):
            return await self._call("bootstrap/add", added)

    async def list(self, *, timeout: float | None = None) -> BootstrapResult:
        """Return all peers."""
        async with deadline(timeout, "bootstrap.list"):
            return await self._call("bootstrap/list")

    async def rm(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Remove a peer; the result is empty where it was not in the list."""
        wanted = peer_address(addr)
        self._context.writing("bootstrap.rm")
        async with deadline(timeout, "bootstrap.rm"):
            return await self._call("bootstrap/rm", wanted)

    async def reset(self, *, timeout: float | None = None) -> BootstrapResult:
        """Put the default peers, which AutoConf tells, in the place of the list, and return what stands for them.

        Raises
        ------
        NotSupportedError
            AutoConf is disabled in the daemon's configuration; the list is as it was.
        """
        self._context.writing("bootstrap.reset")
        async with deadline(timeout, "bootstrap.reset"):
            before = (await self._call("bootstrap/rm/all")).peers
            try:
                return await self._call("bootstrap/add", "default")
            except IPFSCommError:
                if before:
                    await self._call("bootstrap/add", *before)
                raise

    async def clear(self, *, timeout: float | None = None) -> BootstrapResult:
        """Empty the list, and return what was in it."""
        self._context.writing("bootstrap.clear")
        async with deadline(timeout, "bootstrap.clear"):
            return await self._call("bootstrap/rm/all")

    async def _call(self, command: str, *arguments: str) -> BootstrapResult:
        return BootstrapResult(tuple(Said(command, await self._context.rpc.call(command, *arguments)).texts("Peers")))
