"""IPNS: names that are public keys, and the signed records that say what they stand for.

Specifications: IPFS specs, "IPNS Record and Protocol"; libp2p specs, "Peer Ids and Keys". Nothing here talks to
anybody: records come in and go out as bytes.
"""

from __future__ import annotations

from ipfs_comm.errors import InvalidNameError, InvalidRecordError
from ipfs_comm.ipns.keys import KEY_TYPES, PrivateKey, PublicKey
from ipfs_comm.ipns.name import Name, parse_name
from ipfs_comm.ipns.record import MAX_RECORD_SIZE, Record, create, select, validate

__all__ = [
    "KEY_TYPES",
    "MAX_RECORD_SIZE",
    "InvalidNameError",
    "InvalidRecordError",
    "Name",
    "PrivateKey",
    "PublicKey",
    "Record",
    "create",
    "parse_name",
    "select",
    "validate",
]
