"""CAR files, read as a stream: blocks with their CIDs, each verified, never more than one in memory.

Specification: ipld.io, specs, transport, CARv1; of CARv2 the data payload is read, its index skipped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Any, Final, Self

from ipfs_comm.errors import CodecError, HashMismatchError, InvalidInputError, LimitError
from ipfs_comm.ipld import multihash
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs import dag_cbor

__all__ = ["CarReader"]

Source = bytes | bytearray | memoryview | Iterable[bytes] | AsyncIterable[bytes]

#: Most bytes of a header, and of one section (CID and block); go-car's limit for sections.
MAX_HEADER: Final = 1024 * 1024
MAX_SECTION: Final = 8 * 1024 * 1024
_V2_HEADER: Final = 40
_V2_DATA_AT_LEAST: Final = 51


class CarReader:
    """One CAR; made by `open`.

    Attributes
    ----------
    version : int
        1 or 2, of the container; the payload is always version 1.
    roots : tuple of CID
    """

    def __init__(self, stream: _Stream, version: int, roots: tuple[CID, ...], verify: bool) -> None:
        self._stream = stream
        self._verify = verify
        self.version = version
        self.roots = roots

    @classmethod
    async def open(cls, source: Source, *, verify: bool = True) -> Self:
        """Read the header.

        Parameters
        ----------
        source : bytes-like, or (async) iterable of bytes-like
            The file, or its pieces; a binary file object would be cut at its newlines, so give ``iter(lambda:
            file.read(65536), b"")``.
        verify : bool
            Check every block against its CID.

        Raises
        ------
        CodecError
            The bytes are no CAR of version 1 or 2, or end too early.
        LimitError
            The header is longer than `MAX_HEADER`.
        """
        stream = _Stream(source)
        header, version = await _header(stream)
        container = version
        if version == 2:
            fields = await stream.exactly(_V2_HEADER)
            offset, size = (int.from_bytes(fields[at : at + 8], "little") for at in (16, 24))
            if offset < _V2_DATA_AT_LEAST:
                raise _bad(f"its data is said to begin at byte {offset}, inside the header")
            await stream.skip(offset - stream.position)
            stream.limit(size)
            header, version = await _header(stream)
            if version != 1:
                raise _bad(f"a CARv2 holds a CARv1, not version {version}")
        roots = header.get("roots")
        if not isinstance(roots, list) or not all(isinstance(root, CID) for root in roots):
            raise _bad("its header has no list of roots")
        return cls(stream, container, tuple(roots), verify)

    async def blocks(self) -> AsyncGenerator[tuple[CID, bytes], None]:
        """Iterate over the blocks in the order of the file; once.

        Yields
        ------
        (CID, bytes)

        Raises
        ------
        CodecError
            The file is damaged or ends in the middle of a block.
        HashMismatchError
            A block does not match its CID.
        LimitError
            A block is longer than `MAX_SECTION`.
        """
        stream = self._stream
        while (size := await stream.varint(end_allowed=True)) is not None:
            at = stream.position
            if size == 0:
                raise _bad(f"invalid section at byte {at}: zero length")
            if size > MAX_SECTION:
                raise LimitError(
                    f"the CAR has a section of {size} bytes at byte {at}: at most {MAX_SECTION} are read",
                    detail={"limit": MAX_SECTION},
                )
            section = await stream.exactly(size)
            try:
                cid, start = CID.decode_first(section)
            except InvalidInputError as error:
                raise _bad(f"the section at byte {at} begins with no CID: {error}") from error
            block = section[start:]
            if self._verify:
                try:
                    multihash.verify(cid.multihash, block)
                except HashMismatchError as error:
                    raise HashMismatchError(
                        f"the CAR has a block at byte {at} that does not match its CID {cid}: the file is "
                        f"damaged or forged, get it again",
                        detail={"cid": str(cid), "offset": at},
                    ) from error
            yield cid, block


async def _header(stream: _Stream) -> tuple[dict[str, Any], int]:
    size = await stream.varint(end_allowed=False)
    if not size:
        raise _bad("invalid header: zero length")
    if size > MAX_HEADER:
        raise LimitError(
            f"the CAR has a header of {size} bytes: at most {MAX_HEADER} are read", detail={"limit": MAX_HEADER}
        )
    try:
        header = dag_cbor.decode(await stream.exactly(size))
    except CodecError as error:
        raise _bad(f"its header is no dag-cbor: {error}") from error
    if not isinstance(header, dict):
        raise _bad("its header is no map")
    version = header.get("version")
    if type(version) is not int or version not in (1, 2):
        raise _bad(f"invalid version: {version!r}; 1 and 2 can be read")
    return header, version


def _bad(reason: str) -> CodecError:
    return CodecError(f"cannot read the CAR: {reason}", detail={"codec": "car"})


class _Stream:
    """Pieces of any lengths, taken as exact numbers of bytes."""

    def __init__(self, source: Source) -> None:
        self._pieces = _pieces(source)
        self._buffer = bytearray()
        self._left: int | None = None
        self.position = 0

    def limit(self, size: int) -> None:
        """End the stream after `size` more bytes."""
        self._left = size

    async def _fill(self, size: int) -> bool:
        while len(self._buffer) < size:
            piece = await anext(self._pieces, None)
            if piece is None:
                return False
            self._buffer += piece
        return True

    async def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if (self._left is not None and size > self._left) or not await self._fill(size):
            raise _bad(f"unexpected end of data: {size} bytes were to follow at byte {self.position}")
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        self._advance(size)
        return taken

    async def skip(self, size: int) -> None:
        """Pass over `size` bytes, without holding them."""
        while size:
            if not self._buffer and not await self._fill(1):
                raise _bad(f"unexpected end of data at byte {self.position}")
            step = min(size, len(self._buffer))
            del self._buffer[:step]
            self._advance(step)
            size -= step

    def _advance(self, size: int) -> None:
        self.position += size
        if self._left is not None:
            self._left -= size

    async def varint(self, *, end_allowed: bool) -> int | None:
        """Return the next number; None at the end of the stream where that is allowed."""
        if end_allowed and (self._left == 0 or not await self._fill(1)):
            if self._left:
                raise _bad(f"unexpected end of data at byte {self.position}: {self._left} more bytes were promised")
            return None
        value = shift = 0
        while shift < 63:
            byte = (await self.exactly(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise _bad(f"the number at byte {self.position} is too long")


async def _pieces(source: Source) -> AsyncIterator[bytes]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        # In parts, so that the buffer in front never holds a large file once more.
        view = memoryview(source).cast("B")
        for at in range(0, len(view), 65_536):
            yield bytes(view[at : at + 65_536])
    elif isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        for piece in source:
            yield piece
