"""CAR files, read as a stream: blocks with their CIDs, each verified, never more than one in memory.

Specification: ipld.io, specs, transport, CARv1; of CARv2 the data payload is read, its index skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from ipfs_comm.errors import HashMismatchError, LimitError
from ipfs_comm.ipld import multihash, varint
from ipfs_comm.ipld.car.sections import MAX_HEADER, MAX_SECTION, parse_header, parse_section, refusal
from ipfs_comm.ipld.cid import CID

if TYPE_CHECKING:
    from ipfs_comm.ipld.multihash import Run

__all__ = ["CarReader", "Source"]

Source: TypeAlias = "bytes | bytearray | memoryview | Iterable[bytes] | AsyncIterable[bytes]"

_V2_HEADER: Final = 40
_V2_DATA_AT_LEAST: Final = 51
#: Pieces after which other tasks get their turn.
_TURN: Final = 64


class CarReader:
    """One CAR; made by `open`.

    Attributes
    ----------
    version : int
        1 or 2, of the container; the payload is always version 1.
    roots : tuple of CID
    """

    def __init__(self, stream: _Stream, version: int, roots: tuple[CID, ...], verify: bool, run: Run) -> None:
        self._stream = stream
        self._run = run
        self._verify = verify
        self.version = version
        self.roots = roots

    @classmethod
    async def open(cls, source: Source, *, verify: bool = True, run: Run | None = None) -> Self:
        """Read the header.

        Parameters
        ----------
        source : bytes-like, or (async) iterable of bytes-like
            The file, or its pieces; a binary file object would be cut at its newlines, so give ``iter(lambda:
            file.read(65536), b"")``.
        verify : bool
            Check every block against its CID.
        run : async callable, optional
            Runs a slow hash function beside the loop, as a pool's ``run`` does.

        Raises
        ------
        CodecError
            The bytes are no CAR of version 1 or 2, or end too early.
        LimitError
            The header is longer than `MAX_HEADER`.
        """
        stream = _Stream(source)
        try:
            header = await _header(stream)
            version: int = header["version"]
            if version == 2:
                header = await _payload(stream)
            roots = header.get("roots")
            if not isinstance(roots, list) or not all(isinstance(root, CID) for root in roots):
                raise refusal("its header has no list of roots")
        except BaseException:
            await stream.aclose()
            raise
        return cls(stream, version, tuple(roots), verify, run or _here)

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
        UnknownHashError
            The hash function of a CID cannot be computed here.
        LimitError
            A block is longer than `MAX_SECTION`.
        """
        stream = self._stream
        try:
            while (size := await stream.varint(end_allowed=True)) is not None:
                at = stream.position
                if size == 0:
                    raise refusal(f"invalid section at byte {at}: zero length")
                if size > MAX_SECTION:
                    raise LimitError(
                        f"the CAR has a section of {size} bytes at byte {at}: at most {MAX_SECTION} are read",
                        detail={"limit": MAX_SECTION},
                    )
                cid, block = parse_section(await stream.exactly(size), at)
                if self._verify:
                    await _check(cid, block, at, self._run)
                yield cid, block
        finally:
            await stream.aclose()

    async def aclose(self) -> None:
        """Stop reading the source; `blocks` does so at its end."""
        await self._stream.aclose()


async def _here(work: Any, *arguments: Any, **options: Any) -> Any:
    return work(*arguments, **options)


async def _check(cid: CID, block: bytes, at: int, run: Run) -> None:
    try:
        await multihash.verify_beside(run, cid.multihash, block)
    except HashMismatchError as error:
        name = str(cid)[:200]
        raise HashMismatchError(
            f"the CAR has a block at byte {at} that does not match its CID {name}: the file is damaged or forged, "
            "get it again",
            detail={"cid": name, "offset": at},
        ) from error


async def _header(stream: _Stream) -> dict[str, Any]:
    size = await stream.varint(end_allowed=False)
    if not size:
        raise refusal("invalid header: zero length")
    if size > MAX_HEADER:
        raise LimitError(
            f"the CAR has a header of {size} bytes: at most {MAX_HEADER} are read", detail={"limit": MAX_HEADER}
        )
    return parse_header(await stream.exactly(size))


async def _payload(stream: _Stream) -> dict[str, Any]:
    """Go to the CARv1 inside a CARv2, and return its header."""
    fields = await stream.exactly(_V2_HEADER)
    offset, size = (int.from_bytes(fields[at : at + 8], "little") for at in (16, 24))
    if offset < _V2_DATA_AT_LEAST:
        raise refusal(f"its data is said to begin at byte {offset}, inside the header")
    await stream.skip(offset - stream.position)
    stream.limit(size)
    header = await _header(stream)
    if header["version"] != 1:
        raise refusal(f"a CARv2 holds a CARv1, not version {header['version']}")
    return header


class _Stream:
    """Pieces of any lengths, taken as exact numbers of bytes."""

    def __init__(self, source: Source) -> None:
        self._pieces = _pieces(source)
        # The piece that is being taken apart, and how much of it is gone: a piece is never copied as a whole.
        self._piece = memoryview(b"")
        self._at = 0
        self._left: int | None = None
        self._given = 0
        self.position = 0

    def limit(self, size: int) -> None:
        """End the stream after `size` more bytes."""
        self._left = size

    async def aclose(self) -> None:
        """Ask the source for nothing more."""
        self._piece, self._at = memoryview(b""), 0
        await self._pieces.aclose()

    async def _more(self) -> bool:
        """Tell whether a byte is there, after getting the next piece where the last is used up."""
        while self._at == len(self._piece):
            piece = await anext(self._pieces, None)
            if piece is None:
                return False
            self._given += 1
            if self._given % _TURN == 0:
                # A source that waits for nothing lets nobody else have a turn: no deadline, no cancelling.
                await asyncio.sleep(0)
            self._piece, self._at = memoryview(piece).cast("B"), 0
        return True

    def _take(self, most: int) -> memoryview:
        taken = self._piece[self._at : self._at + most]
        self._at += len(taken)
        self.position += len(taken)
        if self._left is not None:
            self._left -= len(taken)
        return taken

    async def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start = self.position
        if self._left is None or size <= self._left:
            if len(self._piece) - self._at >= size:
                return bytes(self._take(size))
            taken = bytearray()
            while len(taken) < size and await self._more():
                taken += self._take(size - len(taken))
            if len(taken) == size:
                return bytes(taken)
        raise refusal(f"unexpected end of data: {size} bytes were to follow at byte {start}")

    async def skip(self, size: int) -> None:
        """Pass over `size` bytes, without holding them."""
        while size:
            if not await self._more():
                raise refusal(f"unexpected end of data at byte {self.position}")
            size -= len(self._take(size))

    async def varint(self, *, end_allowed: bool) -> int | None:
        """Return the next number; None at the end of the stream where that is allowed."""
        if end_allowed and (self._left == 0 or not await self._more()):
            if self._left:
                raise refusal(f"unexpected end of data at byte {self.position}: {self._left} more bytes were promised")
            return None
        value = shift = 0
        while shift < 7 * varint.MAX_BYTES:
            byte = (await self.exactly(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise refusal(f"the number at byte {self.position} is too long")


async def _pieces(source: Source) -> AsyncGenerator[bytes | bytearray | memoryview, None]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield source
    elif isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        for piece in source:
            yield piece
