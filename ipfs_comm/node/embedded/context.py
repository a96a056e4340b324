"""What the verbs of the embedded node share: blocks from the store, else from the exchange, verified at that door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidPathError, NotFoundError, NotSupportedError
from ipfs_comm.exchange import Exchange, FetchContext
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld import path as content_path

if TYPE_CHECKING:
    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.node.api import CIDLike

Load: TypeAlias = Callable[[CID], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a verb is about: a root, segments below it, and how the caller wrote it."""

    root: CID
    segments: tuple[str, ...]
    text: str


def target(path: CIDLike, further: str = "") -> Target:
    """Parse a CID or content path; ``further`` is a path below it.

    Raises
    ------
    InvalidPathError, InvalidCIDError
        When it is neither.
    NotSupportedError
        For a mutable name, which this node cannot resolve.
    """
    below = content_path.split(further) if further else ()
    parsed = content_path.parse(path if isinstance(path, str) else CID.of(path))
    if not isinstance(parsed.root, CID):
        raise NotSupportedError(
            f"{path!r} is a mutable name, and this node resolves none: give the CID that it stands for"
        )
    text = path.rstrip("/") if isinstance(path, str) else str(parsed.root)
    return Target(parsed.root, (*parsed.segments, *below), "/".join((text, *below)))


def one_cid(value: CIDLike) -> CID:
    """Return the CID that ``value`` stands for; ``/ipfs/<cid>`` will do, a path below it will not.

    Raises
    ------
    InvalidCIDError, InvalidPathError
        When it is none.
    """
    if isinstance(value, str) and value.startswith("/"):
        found = target(value)
        if found.segments:
            raise InvalidPathError(f"{value} is a path; one CID is needed here: resolve it first")
        return found.root
    return CID.of(value)


class Context:
    """One node's blocks.

    Parameters
    ----------
    store : Blockstore
        Asked first.
    exchange : Exchange
        Asked for what the store does not have.
    defaults : mapping, optional
        Options of ``add`` and ``add_all`` for calls that do not give them.
    """

    def __init__(self, store: Blockstore, exchange: Exchange, defaults: Mapping[str, Any] | None = None) -> None:
        self.store = store
        self.defaults = dict(defaults or {})
        self.exchange = exchange
        self.pool = Pool(2, "ipfs_comm-hash")

    async def close(self) -> None:
        """Give everything back: threads, the exchange, the store."""
        self.pool.close()
        try:
            await self.exchange.close()
        finally:
            await self.store.close()

    async def load(self, cid: CID, context: FetchContext | None = None) -> bytes:
        """Return a block.

        Raises
        ------
        NotFoundError
            When nobody has it.
        HashMismatchError
            When what came from elsewhere is not what its CID says.
        """
        if cid.is_identity:
            return cid.multihash.digest
        try:
            return await self.store.get(cid)
        except NotFoundError:
            block = await self.exchange.fetch(cid, context=context)
        multihash.verify(cid.multihash, block)
        await self.store.put(cid, block)
        return block

    def loader(self, wanted: Target) -> Load:
        """Return a function that loads blocks of ``wanted``, for errors that say of what a missing block is a part."""
        context = FetchContext(path=wanted.text if wanted.segments else "")

        async def load(cid: CID) -> bytes:
            return await self.load(cid, context)

        return load
