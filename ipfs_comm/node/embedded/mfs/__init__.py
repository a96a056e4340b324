"""The mutable file system of the embedded node."""

from __future__ import annotations

from ipfs_comm.node.embedded.mfs.files import Files

__all__ = ["Files"]
