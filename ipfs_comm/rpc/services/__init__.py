"""The namespaces that a server offers, one file each; only what their ``METHODS`` name can be called."""

from __future__ import annotations

from ipfs_comm.rpc.method import Method
from ipfs_comm.rpc.services.service import NAMESPACES, IPFSService

__all__ = ["NAMESPACES", "IPFSService", "Method"]
