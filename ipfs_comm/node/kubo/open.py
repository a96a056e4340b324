"""Opening a daemon as a node."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ipfs_comm.node.kubo.telling import line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from ipfs_comm.node.kubo.find import Found
    from ipfs_comm.node.kubo.node import KuboNode

__all__ = ["open_daemon"]


@asynccontextmanager
async def open_daemon(
    found: Found,
    *,
    offline: bool = False,
    read_only: bool = False,
    defaults: Mapping[str, Any] | None = None,
    tell: Callable[[str], object] | None = None,
) -> AsyncIterator[KuboNode]:
    """Open a daemon's node for the time of an ``async with``; the daemon goes on.

    Parameters
    ----------
    found : Found
        Closed at the end.
    offline : bool
        Have it ask nobody else.
    read_only : bool
        Refuse whatever would write.
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    tell : callable, optional
        Told in one line which daemon it is, why, and whether what is added becomes known to the public.
    """
    try:
        from ipfs_comm.node.kubo.node import KuboNode

        node = KuboNode(found, offline=offline, read_only=read_only, defaults=defaults)
    except BaseException:
        await found.rpc.close()
        raise
    try:
        if tell is not None:
            tell(await line(found))
        yield node
    finally:
        await node.close()
