"""``resolve``: from any path to the immutable one; names by the daemon, what follows by its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.embedded import resolve as embedded

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context


async def resolve(
    context: Context,
    path: CIDLike,
    *,
    recursive: bool = True,
    cid_base: str | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> str:
    """Return the shortest immutable path; parameters and errors as for ``ipfs_comm.node.embedded.resolve``."""
    return await embedded.resolve(
        context.blocks, path, recursive=recursive, cid_base=cid_base, offline=offline, timeout=timeout
    )
