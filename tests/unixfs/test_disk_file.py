"""One file on disk, read in pieces."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.unixfs.disk_file import CHUNK, DiskFile
from ipfs_comm.unixfs.importer import import_file
from ipfs_comm.unixfs.options import ImportOptions

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024
needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("wished", [1, 64 * KIB, 300_000, CHUNK, 2 * CHUNK - 256])
async def test_a_file_is_read_whole(tmp_path: Path, size: int, wished: int) -> None:
    (tmp_path / "file").write_bytes(written := os.urandom(size))

    pieces = [piece async for piece in DiskFile(tmp_path / "file").pieces(wished)]
    assert b"".join(pieces) == written
    assert all(pieces)
    if wished >= 64 * KIB:
        assert {len(piece) for piece in pieces[:-1]} <= {wished}
    else:
        # Pieces of one byte would cost far more than the cutting that they save.
        assert len(pieces) <= 4


async def test_a_file_read_without_a_wish_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(written := os.urandom(2 * CHUNK + 1))

    assert b"".join([piece async for piece in DiskFile(tmp_path / "file")]) == written


async def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(CHUNK + 1))
    pieces = DiskFile(path).pieces(CHUNK)
    first = await anext(pieces)
    with path.open("ab") as grown:
        grown.write(b"more")
    rest = b"".join([piece async for piece in pieces])

    assert first + rest in (bytes(CHUNK + 1), bytes(CHUNK + 1) + b"more")


async def test_a_file_that_shrinks_while_it_is_read_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(10 * CHUNK))
    pieces = DiskFile(path).pieces(CHUNK)
    await anext(pieces)
    os.truncate(path, 0)

    assert len(b"".join([piece async for piece in pieces])) <= 2 * CHUNK


async def test_an_import_asks_for_pieces_of_its_chunks(tmp_path: Path) -> None:
    asked = []

    class Counted(DiskFile):
        def pieces(self, size: int):  # type: ignore[no-untyped-def]  # as the method of its parent
            asked.append(size)
            return super().pieces(size)

    (tmp_path / "file").write_bytes(content := os.urandom(1_000_000))
    blocks = {}

    async def put(cid: object, block: bytes) -> None:
        blocks[cid] = block

    options = ImportOptions(chunker="size-70000", raw_leaves=True)
    made = await import_file(Counted(tmp_path / "file"), put=put, options=options)
    assert asked == [70_000]
    assert made.cid == (await import_file(content, put=put, options=options)).cid


async def test_a_file_left_in_the_middle_is_closed_and_its_thread_ended(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(3 * CHUNK))
    before = threading.active_count()
    pieces = DiskFile(tmp_path / "file").pieces(CHUNK)
    await anext(pieces)
    await pieces.aclose()

    assert threading.active_count() == before
    # A file that is still open warns when it is collected, which is an error here.
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_a_small_file_is_read_by_one_piece_of_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"small")
    submitted = []
    submit = Pool.submit
    monkeypatch.setattr(Pool, "submit", lambda pool, work, *given: submitted.append(work) or submit(pool, work, *given))

    assert [piece async for piece in DiskFile(tmp_path / "file").pieces(256 * KIB)] == [b"small"]
    assert len(submitted) == 1


@needs_fifos
async def test_a_file_that_has_become_special_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(InvalidInputError, match="fifo is neither a file"):
        await anext(aiter(DiskFile(tmp_path / "fifo")))


async def test_a_directory_has_no_bytes(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is a directory"):
        await anext(aiter(DiskFile(tmp_path)))


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        await anext(aiter(DiskFile(tmp_path / "nothing")))
