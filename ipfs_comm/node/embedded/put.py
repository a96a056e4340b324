"""What blocks that are to be stored are called: hashed, and checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import LimitError
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context


async def cid_of(
    context: Context, data: bytes, codec: str | int, *, hash_alg: str, version: int, size: int | None = None
) -> CID:
    """Return the CID of a block that is to be stored.

    Parameters
    ----------
    context : Context
    data : bytes
    codec : str or int
        Multicodec name or code.
    hash_alg : str
        Hash function.
    version : int
        CID version.
    size : int, optional
        Bytes of the digest, the function's own where not given.

    Raises
    ------
    LimitError
        The block has more than 2 MiB.
    UnknownHashError, InvalidInputError
        The hash function is not there, or cannot vouch for a block.
    """
    if len(data) > MAX_BLOCK_SIZE:
        raise LimitError(
            f"a block of {len(data)} bytes: at most {MAX_BLOCK_SIZE} (2 MiB) are accepted; add splits content into "
            "blocks, and a node can be split by links",
            detail={"size": len(data), "limit": MAX_BLOCK_SIZE},
        )
    made = await multihash.digest_beside(context.pool.run, data, hash_alg, size=size)
    multihash.check_secure(made)
    return CID.create(version, codec, made)


def each(given: CIDLike | Iterable[CIDLike]) -> list[CIDLike]:
    """Return one CID or path, or several, as a list."""
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | memoryview):
        return list(given)
    return [given]
