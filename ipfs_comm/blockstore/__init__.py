"""Where blocks are kept: in memory, or in a directory that many processes share."""

from __future__ import annotations

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE, Blockstore
from ipfs_comm.blockstore.memory import MemoryBlockstore
from ipfs_comm.blockstore.segments import SegmentBlockstore

__all__ = ["MAX_BLOCK_SIZE", "Blockstore", "MemoryBlockstore", "SegmentBlockstore"]
