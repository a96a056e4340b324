"""``id`` and ``version``: what this node is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ipfs_comm._version import __version__
from ipfs_comm.blockstore._repository import FORMAT
from ipfs_comm.errors import NotSupportedError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import IDResult, VersionResult
from ipfs_comm.node.api.core import INTERFACE
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.embedded.context import Context

#: The repository format that ``version`` reports.
REPO_VERSION = str(FORMAT)


async def node_id(context: Context, *, peer_id: str | None = None, timeout: float | None = None) -> IDResult:
    """Return who this node is: its peer ID and public key; it has no addresses, for it is on no network.

    Parameters
    ----------
    context : Context
    peer_id : str, optional
        Whom to tell of; only this node's own will do.
    timeout : float, optional
        Seconds.

    Returns
    -------
    IDResult
        ``id`` in base58btc (``12D3KooW…``), ``public_key`` in base64 of libp2p's serialization. ``ephemeral``
        where the repository has no key yet and may not be written: these end with this process then.

    Raises
    ------
    InvalidNameError
        For a peer ID that is none.
    NotSupportedError
        For another node's.
    """
    asked = None if peer_id is None else Name.parse(peer_id)
    async with deadline(timeout, "id"):
        public = (await context.keys.own()).public
    if asked not in (None, public.name):
        raise NotSupportedError(f"this node is on no network, and knows nothing of {peer_id}: ask for its own id()")
    return IDResult(
        id=public.name.peer_id,
        public_key=base64.b64encode(public.encode()).decode(),
        addresses=(),
        agent_version=f"ipfs_comm/{__version__}",
        protocol_version="ipfs/0.1.0",
        protocols=(),
        ephemeral=context.keys.ephemeral,
    )


async def version(*, timeout: float | None = None) -> VersionResult:
    """Return the versions of this node and of its repository's format."""
    async with deadline(timeout, "version"):
        return VersionResult(version=__version__, repo=REPO_VERSION, interface_ipfs_core=INTERFACE)
