"""What to tell of a daemon in one line: which it is, why, and who gets to know what is added to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import IPFSCommError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ipfs_comm.node.kubo.find import Found
    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["announced", "line"]

#: Seconds that telling of a daemon may take.
PATIENCE: Final = 10.0


async def line(found: Found) -> str:
    """Return in one line which daemon it is, why, and whether what is added becomes known to the public.

    Parameters
    ----------
    found : Found
        One that does not answer is told of with what is known of it.
    """
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
