"""Carriers: what moves packets between two ends, one file each."""

from __future__ import annotations

from ipfs_comm.wire.carriers.base import Carrier

__all__ = ["Carrier"]
