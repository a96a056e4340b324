"""``cat``: the bytes of a file; its root by the block, what is under it as the daemon streams it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.embedded import cat as embedded

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.stream import Stream


def cat(
    context: Context,
    path: CIDLike,
    *,
    offset: int = 0,
    length: int | None = None,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[bytes, bytes]:
    """Stream the bytes of a file; parameters and errors as for ``ipfs_comm.node.embedded.cat``.

    A file of one block is verified by its hash. For the bytes of a larger one the daemon vouches: they come without
    hashes, and only how many they are is checked.
    """
    return embedded.cat(
        context.blocks, path, offset=offset, length=length, max_size=max_size, offline=offline, timeout=timeout
    )
