"""The registry of codecs, by multicodec name and code."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ipfs_comm.errors import UnknownCodecError
from ipfs_comm.ipld import multicodec
from ipfs_comm.ipld.codecs import cbor, dag_cbor, dag_jose, dag_json, dag_pb, json, raw
from ipfs_comm.ipld.codecs.base import MAX_DEPTH, MAX_ITEMS, Codec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CODECS",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "Codec",
    "cbor",
    "dag_cbor",
    "dag_jose",
    "dag_json",
    "dag_pb",
    "get",
    "json",
    "raw",
]

#: Every codec by its multicodec code.
CODECS: Mapping[int, Codec] = MappingProxyType(
    {module.CODEC.code: module.CODEC for module in (dag_pb, raw, dag_cbor, dag_json, dag_jose, cbor, json)}
)


def get(codec: str | int) -> Codec:
    """Return a codec by its multicodec name or code.

    Raises
    ------
    UnknownCodecError
        There is no such codec, or it is known by name only; the message lists those there are.
    """
    found = CODECS.get(codec) if isinstance(codec, int) else None
    if found is not None:
        return found
    number = multicodec.code(codec)
    try:
        return CODECS[number]
    except KeyError:
        raise UnknownCodecError(
            f"blocks of codec {multicodec.name(number)} can be neither encoded nor decoded here, only stored: "
            f"use one of {', '.join(known.name for known in CODECS.values())}",
            detail={"codec": multicodec.name(number), "code": number},
        ) from None
