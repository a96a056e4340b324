"""What a daemon that is offline has to tell of peers: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import NotSupportedError

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context

__all__ = ["OFFLINE", "online_or"]

#: What a daemon says that was started to be offline.
OFFLINE = "online mode"


async def online_or(context: Context, default: Any, command: str, **options: Any) -> Any:
    """Call a command, and return ``default`` where the daemon is offline and has nothing to tell of peers."""
    try:
        return await context.rpc.call(command, **options)
    except NotSupportedError as error:
        if OFFLINE in str(error):
            return default
        raise
