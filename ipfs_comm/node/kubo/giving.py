"""Blocks that are made here, on their way to a daemon: as one CAR, while they are made."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError
from ipfs_comm.ipld import car
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.kubo.rpc import Rpc
    from ipfs_comm.unixfs.options import Put

__all__ = ["check_taken", "giving"]

#: Blocks that wait to be sent; each has at most 2 MiB.
_WAITING: Final = 8


def check_taken(taken: int | None, sent: int) -> None:
    """Check by the last line of an answer that the daemon has taken all blocks.

    Parameters
    ----------
    taken : int or None
        How many it says that it has; None where it does not.
    sent : int

    Raises
    ------
    DaemonError
        It has not, or does not say so: what went wrong it says behind its answer, where something between may drop it.
    """
    if taken != sent:
        raise DaemonError(
            f"dag/import: the daemon was sent {sent} blocks and tells of {'none' if taken is None else taken}"
        )


@asynccontextmanager
async def giving(rpc: Rpc) -> AsyncIterator[Put]:
    """Give what takes blocks for the time of an ``async with``; leaving it in order, the daemon has all of them.

    Nothing is pinned: who uses this has what they belong to pinned right after.

    Parameters
    ----------
    rpc : Rpc

    Yields
    ------
    Put
        Takes a block and its CID, and waits where the daemon is slower than whoever makes them.

    Raises
    ------
    IPFSCommError
        The daemon refused; what takes blocks raises it too, as soon as it is known.
    """
    waiting: asyncio.Queue[tuple[CID, bytes] | None] = asyncio.Queue(_WAITING)

    sent = 0
    whole = False

    async def blocks() -> AsyncGenerator[tuple[CID, bytes], None]:
        nonlocal sent, whole
        while (block := await waiting.get()) is not None:
            sent += 1
            yield block
        whole = True

    async def send() -> None:
        taken: int | None = None
        body = Body.of(car.write([], blocks()))
        async with aclosing(rpc.lines("dag/import", body=body, pin_roots=False, stats=True)) as answer:
            async for line in answer:
                taken = Said("dag/import", line).inner("Stats").whole("BlockCount")
        check_taken(taken, sent)

    sending = asyncio.create_task(send(), name="ipfs_comm: blocks to a daemon")

    def ended() -> None:
        sending.result()
        if not whole:
            raise DaemonError("dag/import: the daemon's answer ends before it has all blocks")

    async def hand(block: tuple[CID, bytes] | None) -> None:
        """Have one more sent, unless sending has failed."""
        putting = asyncio.ensure_future(waiting.put(block))
        try:
            await asyncio.wait({putting, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                ended()
            await putting
        finally:
            putting.cancel()

    async def put(cid: CID, data: bytes) -> None:
        if waiting.full() or sending.done():
            await hand((cid, data))
        else:
            waiting.put_nowait((cid, data))

    try:
        yield put
        await hand(None)
        await asyncio.wait({sending})
        ended()
    finally:
        sending.cancel()
        await asyncio.wait({sending})
        if not sending.cancelled():
            # Raised above, where it is anybody's business.
            sending.exception()
