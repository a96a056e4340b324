"""Structured clone between Python and JavaScript: value graph <-> slots, entries and buffers.

===========================================  ==========================================================
Python                                       JavaScript
===========================================  ==========================================================
:data:`undefined`; None; bool; str           undefined; null; boolean; string (lone surrogates too)
int up to 2^53 - 1, float                    number; a whole number arrives as int, -0 and 2^53 as float
int beyond, :class:`BigInt`                  BigInt
bytes, bytearray, memoryview                 Uint8Array; arrives as a memoryview, not copied
array.array, one-dimensional numpy arrays    the typed array of that format; arrives as a memoryview
:class:`ArrayBuffer`, :class:`View`          ArrayBuffer; DataView, Uint8ClampedArray, any view exactly
datetime (naive: local time), :class:`Date`  Date; arrives as datetime in UTC where that can hold it
dict with str keys; list, tuple              Object; Array
:class:`SparseArray`                         Array with holes or named properties
set, frozenset, :class:`Set`                 Set; arrives as :class:`Set`, ordered
dict with other keys, :class:`Map`           Map; arrives as :class:`Map`, ordered
exceptions, :class:`JSError`                 Error and its kinds; arrives as :class:`JSError`
:class:`DOMException`                        DOMException
:class:`RegExp`; :class:`Boxed`              RegExp; Boolean, Number, String, BigInt objects
:class:`Blob`, :class:`File`                 Blob, File; arrives as a handle to read from
MessagePort in the transfer list             MessagePort
===========================================  ==========================================================

A bytes-like object sends its own bytes only, as an ArrayBuffer of its own; views that shall share one are
:class:`View` objects on one :class:`ArrayBuffer`. The same object arrives as the same object.
"""

from __future__ import annotations

from ipfs_comm.wire.blob import Blob, BlobSource, File
from ipfs_comm.wire.clone.decoder import MAX_MESSAGE, MAX_META, Meta, decode, parse_meta
from ipfs_comm.wire.clone.encoder import MAX_BUFFERS, MAX_ENTRIES, MAX_PORTS, Encoded, dump_meta, encode
from ipfs_comm.wire.clone.types import (
    MAX_SAFE_INTEGER,
    ArrayBuffer,
    BigInt,
    Boxed,
    BytesLike,
    Date,
    DOMException,
    JSError,
    Map,
    RegExp,
    Set,
    SparseArray,
    Transferable,
    Undefined,
    View,
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
    "parse_meta",
    "undefined",
]
