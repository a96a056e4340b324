"""Content addresses and the codecs of what they point at."""

from __future__ import annotations

from ipfs_comm.ipld import codecs, multibase, multicodec, multihash, path, varint
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.multihash import Multihash

__all__ = ["CID", "Multihash", "codecs", "multibase", "multicodec", "multihash", "path", "varint"]
