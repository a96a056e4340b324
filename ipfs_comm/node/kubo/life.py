"""``stop``, ``is_online`` and ``capabilities``: whether the daemon is on a network, and what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import DaemonError, InvalidInputError, NotSupportedError
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
#: What a daemon cannot do where its configuration does not say so, or says otherwise.
AUTOCONF: Final = ("bootstrap.reset",)
DHT: Final = ("dht.query",)
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
        # Whether there is a DHT is what it looks at first, and to look for a peer that is none it asks nobody.
        if not await _does(context, "dht/query", "none"):
            cannot.update(DHT)
        if not await _does(context, "pubsub/ls"):
            cannot.update(PUBSUB)
        if not await _has(context, "name/pubsub/state", "Enabled"):
            cannot.update(NAME_PUBSUB)
        if not await _has(context, "config/show", "AutoConf", "Enabled", unless=True):
            cannot.update(AUTOCONF)
        return Capabilities(
            kind="kubo",
            version=version.version,
            repo_version=version.repo,
            read_only=context.read_only,
            methods=tuple(sorted(verbs())),
            unsupported=tuple(sorted(cannot)),
            limits={"block_size": MAX_BLOCK_SIZE, "whole_size": MAX_WHOLE},
        )


async def _does(context: Context, command: str, *arguments: str) -> bool:
    return await _said(context, command, *arguments) is not None


async def _has(context: Context, command: str, *names: str, unless: bool = False) -> bool:
    """Return what a member of an answer says, ``unless`` it is not there."""
    value: Any = await _said(context, command)
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, bool) else unless


async def _said(context: Context, command: str, *arguments: str) -> dict[str, Any] | None:
    """Return what a command answers; None where the daemon does not do it for us."""
    try:
        said = await context.rpc.call(command, *arguments)
        return said if isinstance(said, dict) else {}
    except NotSupportedError:
        return None
    except InvalidInputError:
        return {}
    except DaemonError as error:
        if error.code != "ERR_DENIED":
            raise
        return None
