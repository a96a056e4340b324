"""CARv1 files, written as a stream: a piece a block, never more than one in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import TYPE_CHECKING

from ipfs_comm.ipld.car.sections import header, section

if TYPE_CHECKING:
    from ipfs_comm.ipld.cid import CID

__all__ = ["write"]


async def write(
    roots: Iterable[CID], blocks: Iterable[tuple[CID, bytes]] | AsyncIterable[tuple[CID, bytes]]
) -> AsyncGenerator[bytes, None]:
    """Write a CARv1.

    Parameters
    ----------
    roots : iterable of CID
        What stands in the header; the blocks need not be among `blocks`.
    blocks : (async) iterable of (CID, bytes)
        In the order of the file. They are written as they are: who gives them vouches for them.

    Yields
    ------
    bytes
        The header, then one section a block.

    Raises
    ------
    InvalidInputError
        A root is no CID.
    LimitError
        The header or a section is longer than a reader takes.
    """
    yield header(roots)
    if isinstance(blocks, AsyncIterable):
        async for cid, block in blocks:
            yield section(cid, block)
    else:
        for cid, block in blocks:
            yield section(cid, block)
