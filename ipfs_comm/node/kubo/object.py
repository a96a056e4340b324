"""``object``: nodes of dag-pb, by their blocks: Kubo has no such commands any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.embedded import object as embedded

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context


class Object(embedded.Object):
    """Nodes of dag-pb in a daemon; see ``ipfs_comm.node.embedded.object``."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.blocks)
