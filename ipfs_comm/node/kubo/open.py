"""Opening a daemon as a node, and what to tell of it in one line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import IPFSCommError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from ipfs_comm.node.kubo.find import Found
    from ipfs_comm.node.kubo.node import KuboNode
    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["announced", "open_daemon"]

#: Seconds that telling of a daemon may take.
PATIENCE: Final = 10.0


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
            tell(await _line(found))
        yield node
    finally:
        await node.close()


async def _line(found: Found) -> str:
    rpc = found.rpc
    said = await _asked(rpc, "version")
    version = said.get("Version")
    named = f"Kubo {version}" if isinstance(version, str) and len(version) < 64 else "Kubo"
    return f"{named} at {rpc.address} ({found.why}); {await announced(found)}"


async def announced(found: Found) -> str:
    """Tell whether what is added to a daemon is announced: who adds private data should know.

    Returns
    -------
    str
        Such as ``"what is added is announced to the public IPFS network"``; where that cannot be known for certain,
        it says so.
    """
    config = await _asked(found.rpc, "config/show")
    if not config:
        return "it does not tell whether what is added is announced to the public IPFS network"
    system = await _asked(found.rpc, "diag/sys")
    if why := _private(config, system):
        return f"what is added is not announced: {why}"
    if _is_private(found.repository):
        return "what is added is announced in its private swarm alone (swarm.key)"
    strategy = _member(config, "Provide", "Strategy")
    which = f" (Provide.Strategy is {shown(strategy)})" if strategy not in (None, "", "all") else ""
    unless = "" if found.repository is not None else ", unless its swarm is a private one"
    return f"what is added is announced to the public IPFS network{which}{unless}"


def _is_private(repository: Path | None) -> bool:
    return repository is not None and (repository / "swarm.key").exists()


def _private(config: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    """Return why a daemon announces nothing; empty where it does."""
    if _member(system, "net", "online") is False:
        return "it is offline"
    if _member(config, "Provide", "Enabled") is False:
        return "Provide.Enabled is false"
    if _member(config, "Routing", "Type") == "none":
        return "Routing.Type is none"
    nobody = not _member(config, "Bootstrap") and not _member(config, "Peering", "Peers")
    if nobody and _member(config, "Addresses", "Swarm") == [] and not _member(config, "Routing", "DelegatedRouters"):
        return "it has no peers, and no address in Addresses.Swarm"
    return ""


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


async def _asked(rpc: Rpc, command: str) -> dict[str, Any]:
    """Return what a daemon says, nothing where it does not: who may add need not be let in everywhere."""
    try:
        async with asyncio.timeout(PATIENCE):
            said = await rpc.call(command)
    except (IPFSCommError, TimeoutError):
        return {}
    return said if isinstance(said, dict) else {}
