"""The UnixFS protobuf message: what a dag-pb node's ``Data`` holds (UnixFS v1, message ``Data``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NotUnixFSError

Type = Literal["raw", "directory", "file", "metadata", "symlink", "hamt-sharded-directory"]

#: Names of the types; the index is the number on the wire.
TYPES: Final[tuple[Type, ...]] = get_args(Type)
_NUMBERS: Final[dict[str, int]] = {name: number for number, name in enumerate(TYPES)}

DEFAULT_FILE_MODE: Final = 0o644
DEFAULT_DIRECTORY_MODE: Final = 0o755
#: Permission bits with setuid, setgid and sticky; what lies above belongs to others and is kept as it is.
MODE_BITS: Final = 0o7777
#: No block of 2 MiB holds more links than this, so no honest message has more block sizes.
_MAX_BLOCKSIZES: Final = 65_536
_U64: Final = (1 << 64) - 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True, order=True)
class Mtime:
    """A modification time.

    Parameters
    ----------
    secs : int
        Seconds since the epoch, from -2**63 to 2**63-1.
    nsecs : int
        Nanoseconds within that second, 0 to 999,999,999.
    """

    secs: int
    nsecs: int = 0

    def __post_init__(self) -> None:
        if not -(1 << 63) <= self.secs < 1 << 63:
            raise InvalidInputError(f"mtime: {self.secs} seconds do not fit 64 bits")
        if not 0 <= self.nsecs < 1_000_000_000:
            raise InvalidInputError(f"mtime: {self.nsecs} nanoseconds are not within one second")


@dataclass(frozen=True, slots=True)
class UnixFS:
    """One message, its fields as they are on the wire; None and () where absent.

    Parameters
    ----------
    type : str
        One of `TYPES`.
    data : bytes, optional
        File bytes, a symlink's target (UTF-8), or a HAMT node's bit field.
    filesize : int, optional
        Bytes of the file below this node.
    blocksizes : tuple of int
        Bytes of file content below each link, in the order of the links.
    hash_type, fanout : int, optional
        Of HAMT nodes: multihash code of the hash of names, and number of slots.
    mode : int, optional
        Unsigned 32 bits; only `MODE_BITS` are ours.
    mtime : Mtime, optional
    """

    type: Type
    data: bytes | None = None
    filesize: int | None = None
    blocksizes: tuple[int, ...] = ()
    hash_type: int | None = None
    fanout: int | None = None
    mode: int | None = None
    mtime: Mtime | None = None

    @property
    def is_directory(self) -> bool:
        """Whether this is a directory, sharded or not."""
        return self.type in ("directory", "hamt-sharded-directory")

    @property
    def content_size(self) -> int:
        """Bytes of content at and below this node, as its own parts add up (the field ``filesize`` may lie)."""
        return sum(self.blocksizes) + (len(self.data) if self.data and not self.is_directory else 0)

    @property
    def permissions(self) -> int:
        """The permission bits; the type's default where the message has none."""
        if self.mode is not None:
            return self.mode & MODE_BITS
        return DEFAULT_DIRECTORY_MODE if self.is_directory else DEFAULT_FILE_MODE

    @classmethod
    def file(
        cls,
        data: bytes | None = None,
        blocksizes: tuple[int, ...] = (),
        *,
        type: Literal["file", "raw"] = "file",  # noqa: A002 (the field's name in the specification)
        mode: int | None = None,
        mtime: Mtime | None = None,
    ) -> UnixFS:
        """Return the message of a file node with its ``filesize`` filled in."""
        size = sum(blocksizes) + (len(data) if data else 0)
        return cls(type, data or None, size, blocksizes, mode=mode, mtime=mtime)

    @classmethod
    def decode(cls, buffer: bytes | memoryview) -> UnixFS:
        """Parse a message.

        Parameters
        ----------
        buffer : bytes-like
            The whole of a dag-pb node's ``Data``.

        Raises
        ------
        NotUnixFSError
            The bytes are no UnixFS message.
        """
        return _decode(bytes(buffer))

    def encode(self) -> bytes:
        """Return the canonical bytes, as Kubo writes them.

        Fields are in the order of their numbers, block sizes not packed.

        Raises
        ------
        InvalidInputError
            A field that cannot be encoded; code ``ERR_INVALID_TYPE`` for an unknown type.
        """
        number = _NUMBERS.get(self.type)
        if number is None:
            raise InvalidInputError(
                f"UnixFS has no type {shown(self.type)}: use one of {', '.join(TYPES)}", code="ERR_INVALID_TYPE"
            )
        parts = [b"\x08", varint(number)]
        if self.data is not None:
            parts += (b"\x12", varint(len(self.data)), self.data)
        if self.filesize is not None:
            parts += (b"\x18", varint(self.filesize))
        for size in self.blocksizes:
            parts += (b"\x20", varint(size))
        for tag, value in ((b"\x28", self.hash_type), (b"\x30", self.fanout), (b"\x38", self.mode)):
            if value is not None:
                parts += (tag, varint(value))
        if self.mtime is not None:
            time = b"\x08" + varint(self.mtime.secs & _U64)
            if self.mtime.nsecs:
                time += b"\x15" + self.mtime.nsecs.to_bytes(4, "little")
            parts += (b"\x42", varint(len(time)), time)
        return b"".join(parts)


def omit_default_mode(type: Type, mode: int | None) -> int | None:  # noqa: A002 (as above)
    """Return the mode to write where a mode that says nothing new is left out, as js-ipfs does.

    Kubo writes a mode that it was given even if it is the default.
    """
    if mode is None:
        return None
    mode &= MODE_BITS
    default = DEFAULT_DIRECTORY_MODE if type in ("directory", "hamt-sharded-directory") else DEFAULT_FILE_MODE
    return None if mode == default else mode


def varint(value: int) -> bytes:
    """Return a protobuf varint.

    Raises
    ------
    InvalidInputError
        The value is negative or longer than 64 bits.
    """
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    if not 0 <= value <= _U64:
        raise InvalidInputError(f"{shown(value)} does not fit an unsigned 64-bit field")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE_BYTE: Final = tuple(bytes((n,)) for n in range(0x80))


def varint_size(value: int) -> int:
    """Return how many bytes the varint of `value` takes."""
    return max(1, (value.bit_length() + 6) // 7)


def link_size(name_size: int, cid_size: int, tsize: int) -> int:
    """Return how many bytes one link takes in a dag-pb node, its tag and length included.

    Parameters
    ----------
    name_size, cid_size : int
        Bytes of the name in UTF-8 and of the CID.
    tsize : int
        The link's cumulative size.
    """
    body = 1 + varint_size(cid_size) + cid_size + 1 + varint_size(name_size) + name_size + 1 + varint_size(tsize)
    return 1 + varint_size(body) + body


def _bad(reason: str) -> NotUnixFSError:
    return NotUnixFSError(f"not a UnixFS node: {reason}")


def _read_varint(buffer: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        try:
            byte = buffer[at + index]
        except IndexError:
            raise _bad("the message ends within a number") from None
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value > _U64:
                break
            return value, at + index + 1
    raise _bad("a number is longer than 64 bits")


def _fields(buffer: bytes) -> list[tuple[int, int, int | bytes]]:
    """Return (field number, wire type, value) of every field; at most one a byte, so bounded by the block."""
    at, end = 0, len(buffer)
    fields: list[tuple[int, int, int | bytes]] = []
    while at < end:
        # Nearly every key and many numbers have one byte: read without a call.
        key = buffer[at]
        at += 1
        if key > 127:
            key, at = _read_varint(buffer, at - 1)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise _bad("a field has number 0")
        if wire == _VARINT:
            if at < end and (value := buffer[at]) < 128:
                at += 1
            else:
                value, at = _read_varint(buffer, at)
            fields.append((number, wire, value))
            continue
        if wire == _BYTES:
            size, at = _read_varint(buffer, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise _bad(f"field {number} has the unknown wire type {wire}")
        if size > end - at:
            raise _bad(f"field {number} goes beyond the message: {at} + {size} > {end}")
        fields.append((number, wire, buffer[at : at + size]))
        at += size
    return fields


_WIRE: Final = {
    1: (_VARINT,),
    2: (_BYTES,),
    3: (_VARINT,),
    4: (_VARINT, _BYTES),
    5: (_VARINT,),
    6: (_VARINT,),
    7: (_VARINT,),
    8: (_BYTES,),
}
_NAMES: Final = {3: "filesize", 5: "hash_type", 6: "fanout"}


def _decode(buffer: bytes) -> UnixFS:
    kind: Type | None = None
    data: bytes | None = None
    numbers: dict[str, int] = {}
    sizes: list[int] = []
    mode: int | None = None
    mtime: Mtime | None = None
    for number, wire, value in _fields(buffer):
        if number not in _WIRE:
            continue
        if wire not in _WIRE[number]:
            raise _bad(f"field {number} has wire type {wire}")
        if isinstance(value, bytes):
            if number == 2:
                data = value
            elif number == 8:
                mtime = _decode_mtime(value)
            else:
                at = 0
                while at < len(value):
                    size, at = _read_varint(value, at)
                    sizes.append(size)
        elif number == 1:
            if value >= len(TYPES):
                raise _bad(f"type {value} is unknown")
            kind = TYPES[value]
        elif number == 4:
            sizes.append(value)
        elif number == 7:
            mode = value & 0xFFFFFFFF
        else:
            numbers[_NAMES[number]] = value
        if len(sizes) > _MAX_BLOCKSIZES:
            raise _bad(f"more than {_MAX_BLOCKSIZES} block sizes")
    if kind is None:
        raise _bad("it has no type")
    return UnixFS(kind, data, blocksizes=tuple(sizes), mode=mode, mtime=mtime, **numbers)


def _decode_mtime(buffer: bytes) -> Mtime:
    secs: int | None = None
    nsecs = 0
    for number, wire, value in _fields(buffer):
        if number == 1 and wire == _VARINT and isinstance(value, int):
            secs = value - (1 << 64) if value >> 63 else value
        elif number == 2 and wire == _FIXED32 and isinstance(value, bytes):
            nsecs = int.from_bytes(value, "little")
        elif number in (1, 2):
            raise _bad("its mtime has a field of the wrong type")
    if secs is None:
        raise _bad("its mtime has no seconds")
    if nsecs >= 1_000_000_000:
        raise _bad(f"its mtime has {nsecs} nanoseconds, which is not within one second")
    return Mtime(secs, nsecs)
