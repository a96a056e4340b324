"""IPNS records: parsed, verified, made, and chosen between.

Specification: IPFS specs, "IPNS Record and Protocol": the protobuf message ``IpnsEntry`` with the dag-cbor document
that is signed (V2), and the copies of its fields that older readers use (V1), which must agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import CodecError, InvalidCIDError, InvalidInputError, InvalidRecordError
from ipfs_comm.ipld import CID
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipns import _protobuf
from ipfs_comm.ipns._time import format_moment, nanoseconds, parse_moment
from ipfs_comm.ipns.keys import PrivateKey, PublicKey
from ipfs_comm.ipns.name import Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MAX_RECORD_SIZE", "Record", "create", "select", "validate"]

#: Longest record, in bytes.
MAX_RECORD_SIZE: Final = 10 * 1024
#: The only validity type there is: the validity is the moment at which the record ends.
EOL: Final = 0
#: The path that a record without a value stands for: no bytes, inlined.
_NO_VALUE: Final = "/ipfs/bafkqaaa"
_SIGNED: Final = b"ipns-signature:"
_U64: Final = (1 << 64) - 1

_FIELDS: Final[dict[int, type[int | bytes]]] = {
    1: bytes,
    2: bytes,
    3: int,
    4: bytes,
    5: int,
    6: int,
    7: bytes,
    8: bytes,
    9: bytes,
}
#: Members of the signed document, and the number of the V1 field that repeats each.
_COPIES: Final = {"Value": 1, "ValidityType": 3, "Validity": 4, "Sequence": 5, "TTL": 6}


@dataclass(frozen=True, slots=True)
class Record:
    """A record, parsed and not yet believed; :func:`validate` gives one that is.

    Attributes
    ----------
    value : bytes
        What the name stands for, as it was signed; :attr:`path` is how to read it.
    validity : str
        The moment after which the record is void, RFC 3339.
    expires : int
        The same in nanoseconds since the epoch.
    validity_type : int
    sequence : int
        Number of the version, from 0 to 2^64 - 1.
    ttl : int
        How long it may be cached, in nanoseconds.
    extra : mapping of str to data model values
        Further members of the signed document.
    fields : mapping of int to int or bytes
        The fields of the protobuf message by number.
    """

    value: bytes
    validity: str
    expires: int
    validity_type: int
    sequence: int
    ttl: int
    extra: Mapping[str, Any]
    fields: Mapping[int, int | bytes]

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """Parse a record without verifying it.

        Raises
        ------
        InvalidRecordError
            The bytes are longer than 10 KiB, are no ``IpnsEntry``, or hold no document with the members of a record.
        """
        if len(data) > MAX_RECORD_SIZE:
            raise InvalidRecordError(f"an IPNS record of {len(data)} bytes is too large: at most {MAX_RECORD_SIZE}")
        try:
            fields = _protobuf.read(bytes(data), _FIELDS)
        except _protobuf.WireError as error:
            raise _bad(f"it is no IpnsEntry: {error}") from None
        signed = fields.get(9)
        if not isinstance(signed, bytes) or not signed:
            raise _bad("it has no data, which is what V2 signs: V1 alone is believed no more")
        try:
            document = dag_cbor.decode(signed)
        except CodecError as error:
            raise _bad(f"its data is no dag-cbor: {error}") from None
        if not isinstance(document, dict):
            raise _bad("its data is not a map")
        return cls._of_document(document, fields)

    @classmethod
    def _of_document(cls, document: dict[str, Any], fields: dict[int, int | bytes]) -> Record:
        value, validity = (_member(document, key, bytes) for key in ("Value", "Validity"))
        validity_type, sequence, ttl = (_number(document, key) for key in ("ValidityType", "Sequence", "TTL"))
        if validity_type != EOL:
            raise _bad(f"its validity type is {validity_type}, and only 0 (EOL) is known")
        text = validity.decode("ascii", "backslashreplace")
        expires = parse_moment(text)
        if expires is None:
            raise _bad(f"its validity is {text[:60]!r}, which is no moment of RFC 3339")
        extra = {key: item for key, item in document.items() if key not in _COPIES}
        return cls(value, text, expires, validity_type, sequence, ttl, extra, fields)

    def encode(self) -> bytes:
        """Return the record as bytes, its fields in the order of their numbers."""
        return _protobuf.write(sorted(self.fields.items()))

    @property
    def data(self) -> bytes:
        """The signed document, dag-cbor."""
        return self._bytes(9) or b""

    @property
    def signature_v1(self) -> bytes | None:
        """The signature that older readers verify; nobody else does."""
        return self._bytes(2)

    @property
    def signature_v2(self) -> bytes | None:
        """The signature."""
        return self._bytes(8)

    @property
    def public_key(self) -> bytes | None:
        """The serialized public key, where the record carries it."""
        return self._bytes(7)

    @property
    def path(self) -> str:
        """The value as a content path.

        Older records hold the bytes of a CID; no bytes at all stand for empty content.

        Raises
        ------
        InvalidRecordError
            The value is no path.
        """
        if not self.value:
            return _NO_VALUE
        try:
            if self.value.startswith(b"/"):
                return self.value.decode()
            return f"/ipfs/{CID.decode(self.value)}"
        except UnicodeDecodeError:
            raise _bad("its value is not UTF-8") from None
        except InvalidCIDError as error:
            raise _bad(f"its value is neither a path nor a CID: {error}") from None

    def _bytes(self, number: int) -> bytes | None:
        value = self.fields.get(number)
        return value if isinstance(value, bytes) else None

    def _check_copies(self) -> None:
        if not self.fields.get(1) and not self.fields.get(2):
            return
        signed = {
            "Value": self.value,
            "ValidityType": self.validity_type,
            "Validity": self.validity.encode(),
            "Sequence": self.sequence,
            "TTL": self.ttl,
        }
        for key, value in signed.items():
            if self.fields.get(_COPIES[key], b"" if isinstance(value, bytes) else 0) != value:
                raise _bad(f"its V1 copy of {key} differs from what is signed")

    def _key_for(self, name: Name) -> PublicKey:
        try:
            if self.public_key:
                key = PublicKey.decode(self.public_key)
                if key.name != name:
                    raise _bad(f"the public key in it is that of {key.name}, not of {name}")
                return key
            held = PublicKey.of_name(name)
        except InvalidRecordError:
            raise
        except InvalidInputError as error:
            raise _bad(f"its public key: {error}") from None
        if held is None:
            raise _bad(f"it carries no public key, and {name} holds only the hash of one")
        return held


def validate(data: bytes, *, name: Name | str, now: datetime | None = None) -> Record:
    """Parse a record and believe it only if the holder of the name signed it and it has not ended.

    Parameters
    ----------
    data : bytes
        The record.
    name : Name or str
        The name that it is said to be for.
    now : datetime, optional
        The moment to judge by, with its time zone; the present where not given.

    Returns
    -------
    Record

    Raises
    ------
    InvalidNameError
        For a name that is none.
    InvalidRecordError
        Any rule of the specification is broken; code ``ERR_IPNS_EXPIRED_RECORD`` where only time is.
    """
    name = Name.parse(name)
    record = Record.decode(data)
    signature = record.signature_v2
    if not signature:
        raise _bad("it has no V2 signature: V1 alone is believed no more")
    if not record._key_for(name).verify(_SIGNED + record.data, signature):
        raise _bad(f"its V2 signature is not by the key of {name}")
    record._check_copies()
    if nanoseconds(now or datetime.now(UTC)) > record.expires:
        raise InvalidRecordError(
            f"the IPNS record of {name} ended at {record.validity}: it must be published again",
            code="ERR_IPNS_EXPIRED_RECORD",
            detail={"name": str(name), "validity": record.validity},
        )
    return record


def create(
    key: PrivateKey,
    value: str | bytes,
    *,
    sequence: int,
    expires: datetime | int,
    ttl: int,
    v1: bool = True,
    extra: Mapping[str, Any] | None = None,
) -> Record:
    """Make a record and sign it.

    Parameters
    ----------
    key : PrivateKey
        The key whose name the record is for.
    value : str or bytes
        A content path.
    sequence : int
        Larger than that of the record before.
    expires : datetime or int
        When it ends: a moment with its time zone, or nanoseconds since the epoch.
    ttl : int
        How long it may be cached, in nanoseconds.
    v1 : bool
        Add what older readers need.
    extra : mapping, optional
        Further members of the signed document.

    Returns
    -------
    Record
        With the public key in it where the name does not hold it.

    Raises
    ------
    InvalidInputError
        A number that does not fit.
    InvalidRecordError
        The record would be larger than 10 KiB.
    """
    if isinstance(sequence, bool) or not 0 <= sequence <= _U64 or not 0 <= ttl < 1 << 63:
        raise InvalidInputError(f"sequence {sequence} and ttl {ttl} ns must be from 0 to 2^64 - 1 and to 2^63 - 1")
    try:
        validity = format_moment(nanoseconds(expires) if isinstance(expires, datetime) else expires).encode()
    except OverflowError:
        raise InvalidInputError("the record would end outside the years 1 to 9999: give a shorter lifetime") from None
    raw = value.encode() if isinstance(value, str) else bytes(value)
    document = {"Value": raw, "Validity": validity, "ValidityType": EOL, "Sequence": sequence, "TTL": ttl}
    data = dag_cbor.encode({**(extra or {}), **document})
    fields: dict[int, int | bytes] = {8: key.sign(_SIGNED + data), 9: data}
    if v1:
        fields |= {1: raw, 2: key.sign(raw + validity + b"EOL"), 3: EOL, 4: validity, 5: sequence, 6: ttl}
    public = key.public
    if public.name.inlined is None:
        fields[7] = public.encode()
    return Record.decode(_protobuf.write(sorted(fields.items())))


def select(records: Sequence[bytes]) -> int:
    """Return the index of the record that wins.

    A V2 signature goes before none, then the larger sequence, then the later end, then the larger bytes. The records
    are not verified here.

    Parameters
    ----------
    records : sequence of bytes
        At least one.

    Raises
    ------
    InvalidRecordError
        One of them cannot be parsed.
    InvalidInputError
        There is none.
    """
    if not records:
        raise InvalidInputError("there is no record to select from")
    parsed = [Record.decode(data) for data in records]
    return max(
        range(len(records)),
        key=lambda index: (
            bool(parsed[index].signature_v2),
            parsed[index].sequence,
            parsed[index].expires,
            bytes(records[index]),
        ),
    )


def _member(document: dict[str, Any], key: str, kind: type[bytes]) -> bytes:
    value = document.get(key)
    if not isinstance(value, kind):
        raise _bad(f"the member {key} of its data is missing or of the wrong kind")
    return value


def _number(document: dict[str, Any], key: str) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(f"the member {key} of its data is missing or no integer")
    if not 0 <= value <= _U64:
        raise _bad(f"the member {key} of its data is {value}, which is negative")
    return value


def _bad(why: str) -> InvalidRecordError:
    return InvalidRecordError(f"this IPNS record cannot be believed: {why}")
