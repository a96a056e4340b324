"""``get``: a file or a whole tree; its directories by their blocks, large files as the daemon streams them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.node.embedded import get as embedded

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.stream import Stream


def get(context: Context, path: CIDLike, *, timeout: float | None = None, **options: Any) -> Stream[Any, Any]:
    """Stream a file or a tree; parameters and errors as for ``ipfs_comm.node.embedded.get``.

    Kubo's own ``get`` gives a TAR alone, and of a file that has a mode or a time no others than this one.
    """
    return embedded.get(context.blocks, path, timeout=timeout, **options)
