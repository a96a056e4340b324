"""The IPFS core API, and who implements it."""

from __future__ import annotations

from ipfs_comm.node.api import Node
from ipfs_comm.node.open import open_node
from ipfs_comm.node.stream import Stream

__all__ = ["Node", "Stream", "open_node"]
