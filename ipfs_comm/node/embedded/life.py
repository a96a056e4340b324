"""``stop``, ``is_online`` and ``capabilities``: whether the node runs, and what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm._version import __version__
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.facade import verbs
from ipfs_comm.node.api import Capabilities
from ipfs_comm.node.embedded.ident import REPO_VERSION
from ipfs_comm.node.embedded.peers import UNSUPPORTED
from ipfs_comm.node.stream import MAX_WHOLE, deadline

if TYPE_CHECKING:
    from ipfs_comm.node.embedded.context import Context


async def is_online(context: Context, *, timeout: float | None = None) -> bool:
    """Return False: an embedded node asks gateways at most, and is connected with nobody."""
    async with deadline(timeout, "is_online"):
        return False


async def capabilities(context: Context, *, timeout: float | None = None) -> Capabilities:
    """Return what an embedded node can do."""
    async with deadline(timeout, "capabilities"):
        context.check_started()
        return Capabilities(
            kind="embedded",
            version=__version__,
            repo_version=REPO_VERSION,
            read_only=context.read_only,
            methods=tuple(sorted(verbs())),
            unsupported=UNSUPPORTED,
            limits={"block_size": MAX_BLOCK_SIZE, "whole_size": MAX_WHOLE},
        )
