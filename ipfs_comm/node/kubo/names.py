"""Names are a daemon's to resolve: it has the keys, the records and the DNS that it is configured for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.errors import NotFoundError
from ipfs_comm.ipld.path import ContentPath, parse
from ipfs_comm.node.embedded.names import Names
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.target import name_of

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["DaemonNames", "unasked"]


class DaemonNames(Names):
    """What names stand for, by a daemon; in place of the embedded node's own records.

    Parameters
    ----------
    rpc : Rpc
    offline : bool
        The daemon asks nobody else.
    """

    def __init__(self, rpc: Rpc, *, offline: bool = False) -> None:
        self._rpc = rpc
        self._offline = offline

    async def follow(
        self, path: ContentPath, *, recursive: bool = True, offline: bool = False, nocache: bool = False
    ) -> ContentPath:
        """Return the path that a path stands for; parameters as for the embedded node's.

        Raises
        ------
        NotFoundError
            A name on the way leads nowhere.
        InvalidNameError, InvalidPathError
            It is none; what the daemon answers is no path.
        """
        if not path.mutable:
            return path
        name = name_of(str(path.root))
        if isinstance(name, str) and (offline or self._offline):
            raise unasked(name)
        said = await self._rpc.call(
            "name/resolve",
            f"/ipns/{name}",
            recursive=recursive,
            nocache=nocache or None,
            offline=offline or self._offline or None,
        )
        ahead = parse(Said("name/resolve", said).text("Path"))
        return ContentPath(ahead.namespace, ahead.root, (*ahead.segments, *path.segments))


def unasked(domain: str) -> NotFoundError:
    """Return the error of a domain that is to be resolved without asking anybody."""
    return NotFoundError(
        f"could not resolve name: {domain} is a domain, which only DNS knows, and nobody may be asked: leave out "
        "offline, or give the CID that it stands for",
        detail={"domain": domain},
    )
