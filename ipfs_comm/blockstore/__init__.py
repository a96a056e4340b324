"""Where blocks are kept: in memory, or in a directory that many processes share; and small records beside them."""

from __future__ import annotations

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE, Blockstore
from ipfs_comm.blockstore.keeping import Keeping
from ipfs_comm.blockstore.memory import MemoryBlockstore
from ipfs_comm.blockstore.segments import SegmentBlockstore
from ipfs_comm.blockstore.state import MemoryState, State, Transaction
from ipfs_comm.blockstore.state_sqlite import SqliteState

__all__ = [
    "MAX_BLOCK_SIZE",
    "Blockstore",
    "Keeping",
    "MemoryBlockstore",
    "MemoryState",
    "SegmentBlockstore",
    "SqliteState",
    "State",
    "Transaction",
]
