"""Structured clone between Python and JavaScript: value graph <-> slots, entries and buffers.

What becomes of what is told by `docs/values.md`, whose tables are tested. A bytes-like object sends its own bytes only,
as an ArrayBuffer of its own; views that shall share one are :class:`View` objects on one :class:`ArrayBuffer`. The same
object arrives as the same object.
"""

from __future__ import annotations

from ipfs_comm.wire.blob import Blob, BlobSource, File
from ipfs_comm.wire.clone.arrays import is_bytes_like
from ipfs_comm.wire.clone.buffers import ArrayBuffer, ImageData, View
from ipfs_comm.wire.clone.containers import FileList, Map, Set, SparseArray
from ipfs_comm.wire.clone.decoder import Meta, decode, parse_meta
from ipfs_comm.wire.clone.encoder import Encoded, dump_meta, encode, text_of
from ipfs_comm.wire.clone.limits import MAX_BUFFERS, MAX_ENTRIES, MAX_MESSAGE, MAX_META, MAX_PORTS
from ipfs_comm.wire.clone.types import (
    MAX_SAFE_INTEGER,
    BigInt,
    Boxed,
    BytesLike,
    Date,
    DOMException,
    JSError,
    RegExp,
    Transferable,
    Undefined,
    undefined,
)

__all__ = [
    "MAX_BUFFERS",
    "MAX_ENTRIES",
    "MAX_MESSAGE",
    "MAX_META",
    "MAX_PORTS",
    "MAX_SAFE_INTEGER",
    "ArrayBuffer",
    "BigInt",
    "Blob",
    "BlobSource",
    "Boxed",
    "BytesLike",
    "DOMException",
    "Date",
    "Encoded",
    "File",
    "FileList",
    "ImageData",
    "JSError",
    "Map",
    "Meta",
    "RegExp",
    "Set",
    "SparseArray",
    "Transferable",
    "Undefined",
    "View",
    "decode",
    "dump_meta",
    "encode",
    "is_bytes_like",
    "parse_meta",
    "text_of",
    "undefined",
]
