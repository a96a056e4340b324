"""``resolve``: from any path to the immutable one that says where its content is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.ipld import CID, multibase
from ipfs_comm.ipld import path as content_path
from ipfs_comm.node.stream import deadline
from ipfs_comm.node.target import target
from ipfs_comm.unixfs import resolver

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context


async def resolve(
    context: Context,
    path: CIDLike,
    *,
    recursive: bool = True,
    cid_base: str | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> str:
    """Return the shortest immutable path to what a path leads to.

    Parameters
    ----------
    context : Context
    path : CID or path
        ``/ipns/…`` will do.
    recursive : bool
        Follow names until the path is immutable; False takes one step, and returns what the name stands for.
    cid_base : str, optional
        Multibase name for the CID in the result; a version 0 CID becomes version 1 for any but base58btc.
    offline : bool
        Ask nobody else for blocks that are not here, and no DNS.
    timeout : float, optional
        Seconds.

    Returns
    -------
    str
        ``/ipfs/<cid>``, and after it what of the path lies inside that block.

    Raises
    ------
    NoLinkError, NotFoundError
        The path leads nowhere, or nobody has a block on the way.
    InvalidInputError
        For a base that there is not.
    """
    if cid_base is not None:
        multibase.get(cid_base)
    parsed = content_path.parse(path if isinstance(path, str) else CID.of(path))
    async with deadline(timeout, f"resolve of {parsed}"):
        settled = await context.names.follow(parsed, recursive=recursive, offline=offline)
        if not isinstance(settled.root, CID):
            return str(settled)
        wanted = target(str(settled), offline=offline)
        if not wanted.segments:
            return _shown(wanted.root, (), cid_base)
        found = await resolver.resolve(context.loader(wanted), wanted.root, wanted.segments)
    return _shown(found.cid, found.remainder, cid_base)


def _shown(cid: CID, remainder: tuple[str, ...], base: str | None) -> str:
    if base is not None and base != "base58btc":
        cid = cid.to_v1()
    return "/".join(("/ipfs", cid.encode(base), *remainder))
