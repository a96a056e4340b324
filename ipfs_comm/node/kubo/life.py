"""``stop``, ``is_online`` and ``capabilities``: whether the daemon is on a network, and what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import NotSupportedError
from ipfs_comm.facade import verbs
from ipfs_comm.node.api import Capabilities
from ipfs_comm.node.kubo import ident
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.stream import MAX_WHOLE, deadline

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context

#: What no daemon can do.
NEVER: Final = ("bitswap.unwant", "key.export")
#: What a daemon cannot do that was started to be offline.
ONLINE: Final = (
    "bitswap.wantlist_for_peer",
    "dht.find_peer",
    "dht.find_provs",
    "dht.get",
    "dht.provide",
    "dht.put",
    "dht.query",
    "name.get",
    "ping",
    "pubsub.peers",
    "swarm.connect",
    "swarm.disconnect",
)
#: What a daemon cannot do where its configuration does not say so.
PUBSUB: Final = ("pubsub.ls", "pubsub.peers", "pubsub.publish", "pubsub.subscribe")
NAME_PUBSUB: Final = ("name.pubsub.cancel", "name.pubsub.subs")


async def is_online(context: Context, *, timeout: float | None = None) -> bool:
    """Return whether the daemon is on a network: it has addresses there."""
    async with deadline(timeout, "is_online"):
        return bool(Said("id", await context.rpc.call("id")).texts("Addresses"))


async def capabilities(context: Context, *, timeout: float | None = None) -> Capabilities:
    """Return what the daemon can do, as it is configured now."""
    async with deadline(timeout, "capabilities"):
        version = await ident.version(context)
        cannot = set(NEVER)
        if not await _does(context, "swarm/addrs/listen"):
            cannot.update(ONLINE)
        if not await _does(context, "pubsub/ls"):
            cannot.update(PUBSUB)
        if not Said("name/pubsub/state", await context.rpc.call("name/pubsub/state")).flag("Enabled"):
            cannot.update(NAME_PUBSUB)
        return Capabilities(
            kind="kubo",
            version=version.version,
            repo_version=version.repo,
            read_only=context.read_only,
            methods=tuple(sorted(verbs())),
            unsupported=tuple(sorted(cannot)),
            limits={"block_size": MAX_BLOCK_SIZE, "whole_size": MAX_WHOLE},
        )


async def _does(context: Context, command: str) -> bool:
    try:
        await context.rpc.call(command)
    except NotSupportedError:
        return False
    return True
