"""IPNS names, which are libp2p peer IDs: the multihash of a public key, in all its spellings.

Specifications: IPFS specs, "IPNS Record and Protocol", section IPNS Name; libp2p specs, "Peer Ids and Keys", section
String representation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipfs_comm.errors import InvalidInputError, InvalidNameError
from ipfs_comm.ipld import CID, Multihash, multibase

__all__ = ["Name", "parse_name"]

_LIBP2P_KEY: Final = "libp2p-key"
_PREFIX: Final = "/ipns/"
#: The longest spelling of a name that is looked at, in characters; a multihash of 128 bytes fits every base.
_MAX_TEXT: Final = 1024


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A name: who holds the private key of that public key decides what it stands for.

    ``str(name)`` is the form to show: a version 1 CID with the codec libp2p-key in base36, ``k51…`` or ``k2k…``.

    Parameters
    ----------
    multihash : Multihash
        Of the public key in libp2p's serialization; with the function identity it holds the key itself.
    """

    multihash: Multihash

    @classmethod
    def parse(cls, value: str | bytes | CID | Name) -> Name:
        """Parse a name.

        Parameters
        ----------
        value : str, bytes, CID or Name
            A peer ID in base58btc (``Qm…``, ``12D3KooW…``, ``16Uiu2…``), a CID with the codec libp2p-key in any base;
            either with ``/ipns/`` before it; or the bytes of the multihash.

        Raises
        ------
        InvalidNameError
            It is none of these.
        """
        if isinstance(value, Name):
            return value
        if isinstance(value, CID):
            return cls._of_cid(value, str(value))
        try:
            if isinstance(value, bytes):
                return cls(Multihash.decode(value))
            if isinstance(value, str) and len(value) <= _MAX_TEXT:
                text = value.removeprefix(_PREFIX)
                if text.startswith(("Qm", "1")):
                    return cls(Multihash.decode(multibase.decode("z" + text)))
                return cls._of_cid(CID.parse(text), text)
        except InvalidNameError:
            raise
        except InvalidInputError as error:
            raise _refusal(value, str(error)) from None
        raise _refusal(value, "too long" if isinstance(value, str) else f"it is a {type(value).__name__}")

    @classmethod
    def _of_cid(cls, cid: CID, shown: str) -> Name:
        if cid.version != 1 or cid.codec != _LIBP2P_KEY:
            raise _refusal(shown, f"its codec is {cid.codec}, and a name's is {_LIBP2P_KEY}")
        return cls(cid.multihash)

    @classmethod
    def from_routing_key(cls, key: bytes) -> Name:
        """Return the name under which routing systems keep a record.

        Raises
        ------
        InvalidNameError
            The bytes are no routing key of IPNS.
        """
        prefix = _PREFIX.encode()
        if not key.startswith(prefix):
            raise _refusal(key, "a routing key begins with /ipns/")
        return cls.parse(key[len(prefix) :])

    @property
    def routing_key(self) -> bytes:
        """The key of the record in routing systems: ``/ipns/`` and the bytes of the multihash."""
        return _PREFIX.encode() + bytes(self.multihash)

    @property
    def cid(self) -> CID:
        """The name as a CID: version 1, codec libp2p-key."""
        return CID.create(1, _LIBP2P_KEY, self.multihash)

    @property
    def peer_id(self) -> str:
        """The name as a peer ID: the multihash in base58btc, without a prefix."""
        return multibase.encode(bytes(self.multihash), "base58btc")[1:]

    @property
    def path(self) -> str:
        """The name as a content path."""
        return f"{_PREFIX}{self}"

    @property
    def inlined(self) -> bytes | None:
        """The serialized public key, where the name holds it."""
        return self.multihash.digest if self.multihash.name == "identity" else None

    def __str__(self) -> str:
        return self.cid.encode("base36")


def parse_name(text: str) -> Name:
    """Parse a name; see :meth:`Name.parse`."""
    return Name.parse(text)


def _refusal(value: object, why: str) -> InvalidNameError:
    shown = repr(value)
    shown = shown if len(shown) <= 120 else shown[:120] + "…"
    return InvalidNameError(
        f"{shown} is no IPNS name: {why}; give a peer ID (12D3KooW…, Qm…) or a CID of a key (k51…)",
        detail={"name": shown},
    )
