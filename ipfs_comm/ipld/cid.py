"""CIDs: immutable values over their bytes.

Specification: multiformats/cid, versions 0 and 1. Everything but the bytes is worked out when it is asked for; nearly
all CIDs are sha2-256 ones of 34 or 36 bytes, and those are recognised without parsing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import total_ordering
from html import escape
from typing import TYPE_CHECKING, Any, Final, SupportsBytes

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidCIDError, InvalidInputError, LimitError, UnknownCodecError
from ipfs_comm.ipld import multibase, multicodec, varint
from ipfs_comm.ipld.multihash import MAX_IDENTITY, SHA2_256, Multihash

if TYPE_CHECKING:
    import multiformats

__all__ = ["CID"]

_DAG_PB: Final = 0x70
_V0_HEAD: Final = b"\x12\x20"
_SHA2_256_HEAD: Final = b"\x12\x20"
_V0_LENGTH: Final = 34
_V1_LENGTH: Final = 36
_BASE58 = multibase.get("base58btc")
_BASE32 = multibase.get("base32")
#: Longest text that is tried as a CID, in characters; identity CIDs are the only long ones.
_MAX_TEXT: Final = 1 << 20


@total_ordering
class CID:
    """The address of a block: version, codec and multihash.

    Make one with :meth:`parse` (text), :meth:`decode` (bytes), :meth:`create` (its parts) or :meth:`of` (any of these).
    Two CIDs are equal if their bytes are; order is that of the bytes. ``str(cid)`` is base58btc for version 0, base32
    for version 1.
    """

    __slots__ = ("_bytes", "_text")

    _bytes: bytes
    _text: str

    def __init__(self) -> None:
        raise TypeError(
            "make a CID by CID.parse(text), CID.decode(bytes), CID.create(version, codec, multihash) or CID.of(any "
            "of these)"
        )

    @classmethod
    def create(cls, version: int, codec: str | int, multihash: Multihash | bytes) -> CID:
        """Return the CID of these parts.

        Parameters
        ----------
        version : int
            0 or 1.
        codec : str or int
            Multicodec name or code.
        multihash : Multihash or bytes
            The multihash of the block.

        Raises
        ------
        InvalidCIDError
            No such version, or version 0 with anything but dag-pb and sha2-256.
        UnknownCodecError
            No such codec.
        InvalidInputError
            The bytes are no multihash.
        """
        parsed = multihash if isinstance(multihash, Multihash) else Multihash.decode(multihash)
        number = multicodec.code(codec)
        raw = bytes(parsed)
        if version == 1:
            return _make(b"\x01" + varint.encode(number) + raw)
        if version != 0:
            raise InvalidCIDError(f"there is no CID version {shown(version)}: use 0 or 1")
        if number != _DAG_PB:
            raise InvalidCIDError(f"a version 0 CID has codec dag-pb, not {multicodec.name(number)}: use version 1")
        if not _is_v0(raw):
            raise InvalidCIDError(
                f"a version 0 CID has a sha2-256 digest of 32 bytes, not {parsed.name} of {parsed.size}: use version 1"
            )
        return _make(raw)

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> CID:
        """Parse a CID that takes up all of ``data``.

        Raises
        ------
        InvalidCIDError
            The bytes are no CID, or more than one.
        """
        raw = data if type(data) is bytes else bytes(data)
        length = len(raw)
        if (length == _V1_LENGTH and raw[0] == 1 and 0 < raw[1] < 128 and raw[2:4] == _SHA2_256_HEAD) or (
            length == _V0_LENGTH and raw[:2] == _V0_HEAD
        ):
            return _make(raw)
        end = _end_of(raw, 0)
        if end != length:
            raise InvalidCIDError(
                f"{length - end} bytes follow the CID of {end} bytes: use CID.decode_first if more is expected"
            )
        return _make(raw)

    @classmethod
    def decode_first(cls, data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[CID, int]:
        """Parse the CID that begins at ``offset``; return it and the offset of the byte after it.

        Raises
        ------
        InvalidCIDError
            No CID begins there.
        """
        raw = data if type(data) is bytes else bytes(data)
        end = _end_of(raw, offset)
        return _make(raw[offset:end]), end

    @classmethod
    def parse(cls, text: str) -> CID:
        """Parse a CID written in any multibase, or in base58btc without a prefix (version 0).

        Raises
        ------
        InvalidCIDError
            The text is no CID.
        """
        if not isinstance(text, str):
            raise InvalidCIDError(f"a CID's text is a str, not {type(text).__name__}: use CID.of for other forms")
        try:
            if len(text) == 46 and text.startswith("Qm"):
                made = cls.decode(_BASE58.decode(text))
                _set_text(made, text)
                return made
            if text.startswith("b") and len(text) <= _MAX_TEXT:
                made = cls.decode(_BASE32.decode(text[1:]))
                if text.islower():
                    _set_text(made, text)
            elif not text or len(text) > _MAX_TEXT:
                raise InvalidCIDError(
                    "it is empty" if not text else f"it has {len(text)} characters, at most {_MAX_TEXT} are read"
                )
            else:
                made = cls.decode(multibase.decode(text))
        except (InvalidInputError, LimitError) as error:
            shown = text if len(text) <= 80 else text[:80] + "…"
            raise InvalidCIDError(f"{shown!r} is no CID: {error}", detail={"cid": shown}) from None
        if made.version == 0:
            raise InvalidCIDError(
                f"{text[:80]!r} is no CID: one of version 0 is written without a multibase prefix",
                detail={"cid": text[:80]},
            )
        return made

    @classmethod
    def of(cls, value: object) -> CID:
        """Return the CID that ``value`` stands for.

        Parameters
        ----------
        value : CID, str, bytes-like, multiformats.CID, or anything CID-shaped
            CID-shaped are mappings and objects with ``bytes`` (the CID's), or with ``version``, ``code`` and
            ``multihash`` (which has ``bytes``), as CIDs of JavaScript arrive, and DAG-JSON's ``{"/": text}``.

        Raises
        ------
        InvalidCIDError
            It stands for none.
        """
        if isinstance(value, CID):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return cls.decode(value)
        try:
            return _of_shape(value)
        except InvalidCIDError:
            raise
        except (InvalidInputError, TypeError, ValueError) as error:
            raise InvalidCIDError(f"this {type(value).__name__} is no CID: {error}") from error

    @property
    def version(self) -> int:
        """0 or 1."""
        return 0 if self._bytes[0] == 0x12 else 1

    @property
    def code(self) -> int:
        """Multicodec code of the block's codec, for example 0x70."""
        if self._bytes[0] == 0x12:
            return _DAG_PB
        first = self._bytes[1]
        return first if first < 128 else varint.decode(self._bytes, 1)[0]

    @property
    def codec(self) -> str:
        """Multicodec name of the block's codec; ``"0x…"`` for one that is not in the table."""
        return multicodec.name(self.code)

    @property
    def multihash(self) -> Multihash:
        """The block's multihash."""
        raw = self._bytes
        if raw[0] == 0x12:
            return Multihash._of(raw, SHA2_256, 2)
        start = 2 if raw[1] < 128 else varint.decode(raw, 1)[1]
        return Multihash.decode(raw[start:])

    @property
    def multihash_bytes(self) -> bytes:
        """The multihash as bytes: what a blockstore keys its blocks by."""
        raw = self._bytes
        if raw[0] == 0x12:
            return raw
        return raw[2:] if raw[1] < 128 else raw[varint.decode(raw, 1)[1] :]

    @property
    def is_identity(self) -> bool:
        """Whether the block is in the CID itself."""
        return self.multihash_bytes[0] == 0

    def block_inside(self) -> bytes:
        """Return the block of an identity CID: its digest.

        Raises
        ------
        LimitError
            It has more than 128 bytes, as Kubo refuses it: CIDs inside of CIDs without end would cost their length
            squared.
        """
        digest = self.multihash.digest
        if len(digest) > MAX_IDENTITY:
            raise LimitError(
                f"digest too large: the CID {str(self)[:60]}… holds a block of {len(digest)} bytes itself, and at most "
                f"{MAX_IDENTITY} are read from an identity CID: store such a block under its hash",
                detail={"size": len(digest), "limit": MAX_IDENTITY},
            )
        return digest

    def __bytes__(self) -> bytes:
        return self._bytes

    def __str__(self) -> str:
        try:
            return self._text
        except AttributeError:
            raw = self._bytes
            text = _BASE58.encode(raw) if raw[0] == 0x12 else "b" + _BASE32.encode(raw)
            _set_text(self, text)
            return text

    def encode(self, base: str | None = None) -> str:
        """Return the CID as text in a multibase.

        Parameters
        ----------
        base : str, optional
            A multibase name; without one as ``str()`` does.

        Raises
        ------
        InvalidCIDError
            A version 0 CID in anything but base58btc.
        InvalidInputError
            No such base.
        """
        if base is None:
            return str(self)
        if self._bytes[0] == 0x12:
            if multibase.get(base).name != "base58btc":
                raise InvalidCIDError(
                    f"the version 0 CID {self} can only be written in base58btc: use to_v1() first",
                    detail={"cid": str(self)},
                )
            return str(self)
        return multibase.encode(self._bytes, base)

    def to_v0(self) -> CID:
        """Return this CID as version 0.

        Raises
        ------
        InvalidCIDError
            Its codec is not dag-pb or its hash not sha2-256 of 32 bytes.
        """
        return self if self._bytes[0] == 0x12 else CID.create(0, self.code, self.multihash_bytes)

    def to_v1(self) -> CID:
        """Return this CID as version 1."""
        return _make(b"\x01\x70" + self._bytes) if self._bytes[0] == 0x12 else self

    def with_codec(self, codec: str | int) -> CID:
        """Return a version 1 CID with the same multihash and another codec.

        Raises
        ------
        UnknownCodecError
            No such codec.
        """
        return _make(b"\x01" + varint.encode(multicodec.code(codec)) + self.multihash_bytes)

    def to_multiformats(self) -> multiformats.CID:
        """Return this CID as a ``multiformats.CID``; needs that package, which loads slowly.

        Raises
        ------
        ImportError
            The package is not installed.
        UnknownCodecError
            That package does not know the codec or the hash function.
        """
        import multiformats

        try:
            # From text, since its decoding of bytes forgets that version 1 is written in base32.
            return multiformats.CID.decode(str(self))
        except KeyError as error:
            raise UnknownCodecError(
                f"the package multiformats cannot hold {self}: {error}", detail={"cid": str(self)}
            ) from error

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, CID) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._bytes < other._bytes if isinstance(other, CID) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __repr__(self) -> str:
        return f"CID({str(self)!r})"

    def _repr_html_(self) -> str:
        title = f"{self.codec}, {self.multihash.name}, version {self.version}"
        return f'<code title="{escape(title)}">{escape(str(self))}</code>'

    def __reduce__(self) -> tuple[Any, ...]:
        return CID.decode, (self._bytes,)

    def __copy__(self) -> CID:
        return self

    def __deepcopy__(self, memo: object) -> CID:
        return self

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a CID is immutable: {key} cannot be set")

    def __delattr__(self, key: str) -> None:
        raise AttributeError(f"a CID is immutable: {key} cannot be deleted")


_new = object.__new__
_set_bytes = CID.__dict__["_bytes"].__set__
_set_text = CID.__dict__["_text"].__set__


def _make(raw: bytes) -> CID:
    made = _new(CID)
    _set_bytes(made, raw)
    return made


def _is_v0(raw: bytes) -> bool:
    return len(raw) == _V0_LENGTH and raw[:2] == _V0_HEAD


def _end_of(raw: bytes, offset: int) -> int:
    """Return where the CID that begins at ``offset`` ends."""
    if raw[offset : offset + 2] == _V0_HEAD:
        if len(raw) - offset < _V0_LENGTH:
            raise InvalidCIDError(f"a version 0 CID has {_V0_LENGTH} bytes, {len(raw) - offset} are there")
        return offset + _V0_LENGTH
    try:
        version, position = varint.decode(raw, offset)
        if version != 1:
            raise InvalidCIDError(
                f"the bytes are no CID: they begin with {version:#x}, and only versions 0 and 1 exist"
            )
        _codec, position = varint.decode(raw, position)
        return Multihash.decode_first(raw, position)[1]
    except InvalidCIDError:
        raise
    except InvalidInputError as error:
        raise InvalidCIDError(f"the bytes are no CID: {error}") from None


def _member(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)


def _of_shape(value: object) -> CID:
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("/"), str):
        return CID.parse(value["/"])
    raw = _member(value, "bytes")
    if isinstance(raw, (bytes, bytearray, memoryview)):
        return CID.decode(raw)
    if isinstance(value, SupportsBytes) and hasattr(value, "version") and hasattr(value, "codec"):
        return CID.decode(bytes(value))
    version, code, multihash = _member(value, "version"), _member(value, "code"), _member(value, "multihash")
    hashed = multihash if isinstance(multihash, bytes) else _member(multihash, "bytes")
    if isinstance(version, int) and isinstance(code, int) and isinstance(hashed, (bytes, bytearray, memoryview)):
        return CID.create(version, code, bytes(hashed))
    raise InvalidCIDError(f"a {type(value).__name__} is no CID: give a CID, its text, its bytes or a multiformats.CID")
