"""The node that a Kubo daemon is: one object with all verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.kubo.context import Context

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.find import Found


class KuboNode:
    """The core API over one daemon; see ``ipfs_comm.node.api.Node``.

    Made by ``open_node``, which also closes it; the daemon goes on.

    Parameters
    ----------
    found : Found
        The daemon.
    offline : bool
        Have it ask nobody else.
    read_only : bool
        Refuse whatever would write.
    """

    def __init__(self, found: Found, *, offline: bool = False, read_only: bool = False) -> None:
        self._context = Context(found, offline=offline, read_only=read_only)
        #: Where its repository is, for people to read.
        self.repo_path = f"Kubo at {found.rpc.address}"

    async def close(self) -> None:
        """Give everything back; ``open_node`` does so at its end."""
        await self._context.close()
