"""``dns``: the path that a domain stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm import dnslink
from ipfs_comm.ipld.path import ContentPath
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.embedded.context import Context


async def dns(
    context: Context,
    domain: str,
    *,
    recursive: bool = True,
    nocache: bool = False,
    offline: bool = False,
    timeout: float | None = None,
) -> str:
    """Return the path that a domain stands for by its TXT records.

    Specification: DNSLink (dnslink.dev). Who is asked, the configuration says; see `Domains`.

    Parameters
    ----------
    context : Context
    domain : str
        Such as ``docs.ipfs.tech``, with ``/ipns/`` before it or not.
    recursive : bool
        Follow names until the path is immutable; False takes one step.
    nocache : bool
        Ask even where an answer is kept.
    offline : bool
        Ask nobody.
    timeout : float, optional
        Seconds.

    Returns
    -------
    str
        ``/ipfs/…``, or ``/ipns/…`` where one step leads to another name.

    Raises
    ------
    InvalidNameError
        It is no domain.
    NotFoundError
        It has no such record, nobody answered, or nobody may be asked.
    LimitError
        Names lead from one to the next without end.
    """
    name = dnslink.spelled(domain.removeprefix("/ipns/") if isinstance(domain, str) else domain)
    async with deadline(timeout, f"dns of {name}"):
        found = await context.names.follow(
            ContentPath("ipns", name), recursive=recursive, offline=offline, nocache=nocache
        )
    return str(found).rstrip("/")
