"""A client of remote pinning services: the IPFS Pinning Service API (version 1) over HTTP."""

from __future__ import annotations

from ipfs_comm.pinning.answers import STATUSES, PinStatus
from ipfs_comm.pinning.client import Pace, PinningService
from ipfs_comm.pinning.endpoint import checked_endpoint, checked_key

__all__ = ["STATUSES", "Pace", "PinStatus", "PinningService", "checked_endpoint", "checked_key"]
