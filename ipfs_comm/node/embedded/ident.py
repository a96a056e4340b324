"""``id`` and ``version``: what this node is."""

from __future__ import annotations

from ipfs_comm._version import __version__
from ipfs_comm.node.api import IDResult, VersionResult
from ipfs_comm.node.stream import deadline

#: The repository format that ``version`` reports.
REPO_VERSION = "1"


async def node_id(*, timeout: float | None = None) -> IDResult:
    """Return who this node is: it has no key and no addresses, for it is on no network."""
    async with deadline(timeout, "id"):
        return IDResult(
            id="",
            public_key="",
            addresses=(),
            agent_version=f"ipfs_comm/{__version__}",
            protocol_version="",
            protocols=(),
        )


async def version(*, timeout: float | None = None) -> VersionResult:
    """Return the versions of this node and of its repository's format."""
    async with deadline(timeout, "version"):
        return VersionResult(version=__version__, repo=REPO_VERSION)
