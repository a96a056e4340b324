"""Blocks from elsewhere that are held in memory and not kept: those used longest ago make room."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

__all__ = ["MAX_HELD", "Held"]

#: Bytes of blocks that are held.
MAX_HELD: Final = 64 << 20


class Held:
    """Verified blocks, by multihash, up to a number of bytes.

    Parameters
    ----------
    most : int
        Bytes of blocks.
    """

    def __init__(self, most: int = MAX_HELD) -> None:
        self._blocks: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0
        self._most = most

    def __contains__(self, cid: CID) -> bool:
        return cid.multihash_bytes in self._blocks

    def put(self, cid: CID, data: bytes) -> None:
        """Hold a block for as long as there is room."""
        key = cid.multihash_bytes
        self._size += len(data) - len(self._blocks.pop(key, b""))
        self._blocks[key] = data
        while self._size > self._most:
            self._size -= len(self._blocks.popitem(last=False)[1])

    def get(self, cid: CID) -> bytes | None:
        """Return a block, if it is held."""
        found = self._blocks.get(cid.multihash_bytes)
        if found is not None:
            self._blocks.move_to_end(cid.multihash_bytes)
        return found

    def clear(self) -> None:
        """Forget all of them."""
        self._blocks.clear()
        self._size = 0
