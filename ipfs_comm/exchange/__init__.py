"""Blocks from elsewhere."""

from __future__ import annotations

from ipfs_comm.exchange.addresses import DEFAULT_GATEWAYS
from ipfs_comm.exchange.base import Exchange, FetchContext
from ipfs_comm.exchange.gateway import Gateways, Pace
from ipfs_comm.exchange.offline import Offline

__all__ = ["DEFAULT_GATEWAYS", "Exchange", "FetchContext", "Gateways", "Offline", "Pace"]
