"""Blocks from elsewhere."""

from __future__ import annotations

from ipfs_comm.exchange.base import Exchange, FetchContext
from ipfs_comm.exchange.offline import Offline

__all__ = ["Exchange", "FetchContext", "Offline"]
