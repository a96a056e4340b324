"""The namespaces that a server offers, one file each; only what their ``METHODS`` name can be called."""

from __future__ import annotations

from ipfs_comm.rpc.services.method import Method
from ipfs_comm.rpc.services.service import IPFSService

__all__ = ["IPFSService", "Method"]
