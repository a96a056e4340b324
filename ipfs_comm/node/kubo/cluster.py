"""Who pins: the Kubo daemon, or an IPFS Cluster whose proxy takes that over from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import listed
from ipfs_comm.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["check_options", "is_cluster"]

#: What Kubo itself says where one pins, to who asks by GET and to who may not; a Cluster's proxy takes that over too.
_KUBO: Final = ("405 - Method Not Allowed", "Kubo RPC Access Denied")


async def is_cluster(rpc: Rpc) -> bool:
    """Return whether something else than Kubo answers where one pins; nothing is pinned by it.

    Raises
    ------
    UnreachableError
        The daemon is not there, or went away.
    """
    said = await rpc.got("pin/add")
    return not any(own in said for own in _KUBO)


async def check_options(rpc: Rpc, verb: str, options: Mapping[str, Any]) -> None:
    """Check that options which a Cluster has are for one: Kubo ignores what it does not know, in silence.

    Parameters
    ----------
    rpc : Rpc
    verb : str
        For the error: ``"pin.add"``.
    options : mapping
        Those that are None were not given.

    Raises
    ------
    NotSupportedError
        Some were given, and the daemon pins itself.
    UnreachableError
        The daemon is not there, or went away.
    """
    given = [name for name, value in options.items() if value is not None]
    if given and not await is_cluster(rpc):
        raise NotSupportedError(
            f"{verb}: {listed(given)} {'is' if len(given) == 1 else 'are'} for an IPFS Cluster, and {rpc.address} is a "
            "Kubo daemon, which would ignore that: leave it out, or give the address of the Cluster's IPFS proxy "
            "(kubo_api)",
            detail={"verb": verb, "options": given},
        )
