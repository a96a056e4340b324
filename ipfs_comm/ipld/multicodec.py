"""The multicodec table: names and codes of codecs.

Specification: multiformats/multicodec, rows with the tag ``ipld`` or ``serialization`` that a CID may carry.
A code that is not in the table is kept as it is; its name is the code in hexadecimal, ``"0x1234"``.
"""

from __future__ import annotations

import contextlib
from types import MappingProxyType
from typing import TYPE_CHECKING

from ipfs_comm._shown import shown
from ipfs_comm.errors import UnknownCodecError
from ipfs_comm.ipld.varint import MAX_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODECS", "code", "name"]

#: Code of each codec by its name.
CODECS: Mapping[str, int] = MappingProxyType(
    {
        "cbor": 0x51,
        "raw": 0x55,
        "dag-pb": 0x70,
        "dag-cbor": 0x71,
        "libp2p-key": 0x72,
        "git-raw": 0x78,
        "torrent-info": 0x7B,
        "torrent-file": 0x7C,
        "blake3-hashseq": 0x80,
        "leofcoin-block": 0x81,
        "leofcoin-tx": 0x82,
        "leofcoin-pr": 0x83,
        "dag-jose": 0x85,
        "dag-cose": 0x86,
        "eth-block": 0x90,
        "eth-block-list": 0x91,
        "eth-tx-trie": 0x92,
        "eth-tx": 0x93,
        "eth-tx-receipt-trie": 0x94,
        "eth-tx-receipt": 0x95,
        "eth-state-trie": 0x96,
        "eth-account-snapshot": 0x97,
        "eth-storage-trie": 0x98,
        "eth-receipt-log-trie": 0x99,
        "eth-receipt-log": 0x9A,
        "bitcoin-block": 0xB0,
        "bitcoin-tx": 0xB1,
        "bitcoin-witness-commitment": 0xB2,
        "zcash-block": 0xC0,
        "zcash-tx": 0xC1,
        "stellar-block": 0xD0,
        "stellar-tx": 0xD1,
        "decred-block": 0xE0,
        "decred-tx": 0xE1,
        "dash-block": 0xF0,
        "dash-tx": 0xF1,
        "swarm-manifest": 0xFA,
        "swarm-feed": 0xFB,
        "beeson": 0xFC,
        "dag-json": 0x129,
        "swhid-1-snp": 0x1F0,
        "json": 0x200,
        "car": 0x202,
        "ipns-record": 0x300,
        "car-index-sorted": 0x400,
        "car-multihash-index-sorted": 0x401,
        "rdfc-1": 0xB403,
        "json-jcs": 0xB601,
        "fil-commitment-unsealed": 0xF101,
        "fil-commitment-sealed": 0xF102,
    }
)
_NAMES = {code: name for name, code in CODECS.items()}


def name(code: int) -> str:
    """Return the name of a codec; ``"0x…"`` for a code that is not in the table."""
    return _NAMES.get(code) or hex(code)


def code(name: str | int) -> int:
    """Return the code of a codec.

    Parameters
    ----------
    name : str or int
        A name of the table, a code in hexadecimal as :func:`name` writes it, or a code, which is returned as it is.

    Raises
    ------
    UnknownCodecError
        Neither the table nor the form ``0x…`` knows it, or the code is no varint.
    """
    if isinstance(name, str):
        known = CODECS.get(name)
        if known is not None:
            return known
        if name.startswith("0x") and name[2:].isascii() and name[2:].isalnum():
            with contextlib.suppress(ValueError):
                name = int(name, 16)
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name <= MAX_VALUE:
        return name
    raise UnknownCodecError(
        f"there is no codec {shown(name)}: use a multicodec name such as 'dag-cbor', or a code such as 0x71"
    )
