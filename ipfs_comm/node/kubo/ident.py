"""``id``, ``version``, ``dns`` and ``ping``: what the daemon is, and whom it can reach."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm import dnslink
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import IDResult, PingResult, VersionResult
from ipfs_comm.node.api.core import INTERFACE
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.names import unasked
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.kubo.context import Context

#: Kubo tells it no more; it is that of all nodes.
_PROTOCOL = "ipfs/0.1.0"


async def node_id(context: Context, *, peer_id: str | None = None, timeout: float | None = None) -> IDResult:
    """Return who the daemon is, or who another peer is, which the daemon asks.

    Parameters
    ----------
    context : Context
    peer_id : str, optional
        Whom to tell of.
    timeout : float, optional
        Seconds.

    Raises
    ------
    InvalidNameError
        For a peer ID that is none.
    NotSupportedError
        For another peer's, by a daemon that is offline.
    """
    asked = () if peer_id is None else (Name.parse(peer_id).peer_id,)
    async with deadline(timeout, "id"):
        said = Said("id", await context.rpc.call("id", *asked))
    return IDResult(
        id=said.text("ID"),
        public_key=said.text("PublicKey", ""),
        addresses=tuple(said.texts("Addresses")),
        agent_version=said.text("AgentVersion", ""),
        protocol_version=said.text("ProtocolVersion", _PROTOCOL),
        protocols=tuple(said.texts("Protocols")),
    )


async def version(context: Context, *, timeout: float | None = None) -> VersionResult:
    """Return the versions of the daemon and of its repository's format."""
    async with deadline(timeout, "version"):
        said = Said("version", await context.rpc.call("version"))
    return VersionResult(
        version=said.text("Version"),
        repo=said.text("Repo", ""),
        commit=said.text("Commit", ""),
        interface_ipfs_core=INTERFACE,
    )


async def dns(
    context: Context,
    domain: str,
    *,
    recursive: bool = True,
    nocache: bool = False,
    offline: bool = False,
    timeout: float | None = None,
) -> str:
    """Return the path that a domain stands for by its TXT records (DNSLink), as the daemon finds them.

    Parameters and errors are those of ``ipfs_comm.node.embedded.dns``.
    """
    name = dnslink.spelled(domain.removeprefix("/ipns/") if isinstance(domain, str) else domain)
    if offline or context.offline:
        raise unasked(name)
    async with deadline(timeout, f"dns of {name}"):
        said = await context.rpc.call("name/resolve", f"/ipns/{name}", recursive=recursive, nocache=nocache or None)
    return Said("name/resolve", said).text("Path").rstrip("/")


def ping(
    context: Context, peer_id: str, *, count: int = 10, timeout: float | None = None
) -> Stream[PingResult, list[PingResult]]:
    """Stream how long a peer takes to answer; once a second, ``count`` times."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidInputError(f"ping count must be greater than 0, was {count!r:.80}", code="ERR_INVALID_PARAMS")
    peer = Name.parse(peer_id).peer_id

    async def answers() -> AsyncGenerator[PingResult, None]:
        async with aclosing(context.rpc.lines("ping", peer, count=count)) as told:
            async for line in told:
                said = Said("ping", line)
                yield PingResult(said.flag("Success"), said.number("Time") / 1e6, said.text("Text", ""))

    return Stream(answers, as_list, timeout=timeout, what=f"ping of {peer}")
