"""The dag-cbor codec.

Specification: ipld.io, codecs, dag-cbor.
"""

from __future__ import annotations

from typing import Any

from ipfs_comm.ipld.codecs import _cbor, _cbor_links
from ipfs_comm.ipld.codecs.base import Bytes, Codec

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a value of the data model.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model.
    """
    return _cbor.encode("dag-cbor", value, links=True)


def decode(data: Bytes) -> Any:
    """Parse a block.

    Raises
    ------
    CodecError
        The bytes are not the canonical form of a value.
    """
    return _cbor.decode("dag-cbor", data, links=True)


CODEC = Codec("dag-cbor", 0x71, encode, decode, _cbor_links.scan)
