"""A whole node in this process: small verbs over blockstore, exchange and UnixFS."""

from __future__ import annotations

from ipfs_comm.node.embedded.node import EmbeddedNode

__all__ = ["EmbeddedNode"]
