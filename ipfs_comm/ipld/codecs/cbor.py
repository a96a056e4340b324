"""The cbor codec: dag-cbor without links, whose maps keep their order.

Specification: RFC 8949, with most of dag-cbor's strictness, since blocks are named by their bytes; what it leaves open
is Kubo's: keys stand in the order of the map, and floats are written with 64 bits and read with any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld.codecs import _cbor
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.cid import CID

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the bytes of a value of the data model.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model, or is a link.
    """
    return _cbor.encode("cbor", value, links=False, ordered=False)


def decode(data: Bytes) -> Any:
    """Parse a block.

    Raises
    ------
    CodecError
        The bytes are no value of the data model, or not in its shortest form.
    """
    return _cbor.decode("cbor", data, links=False, ordered=False)


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    return iter(())


CODEC = Codec("cbor", 0x51, encode, decode, _links)
