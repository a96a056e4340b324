from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.unixfs.format import Mtime
from ipfs_comm.unixfs.from_disk import CHUNK, DiskRules, OnDisk, entries, read

if TYPE_CHECKING:
    from ipfs_comm.unixfs.directory import TreeEntry

needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / "b.txt").write_bytes(b"b")
    (root / ".hidden").write_bytes(b"h")
    (root / "sub" / "link").symlink_to("../a.txt")
    (root / "out").symlink_to("/etc")
    return root


async def listed(path: Path, **rules: bool) -> dict[str, TreeEntry]:
    pool = Pool(1)
    try:
        return {entry.path: entry async for entry in entries(OnDisk(path), "t", DiskRules(**rules), pool)}
    finally:
        pool.close()


async def content(entry: TreeEntry) -> bytes:
    return b"".join([bytes(piece) async for piece in entry.content])  # type: ignore[union-attr]  # it is read from disk


async def test_a_tree_is_taken_without_what_is_hidden(tree: Path) -> None:
    found = await listed(tree)

    assert list(found) == ["t", "t/a.txt", "t/empty", "t/out", "t/sub", "t/sub/b.txt", "t/sub/link"]


async def test_hidden_names_are_taken_when_asked_for(tree: Path) -> None:
    assert "t/.hidden" in await listed(tree, hidden=True)


async def test_symlinks_are_taken_as_they_are_and_not_followed(tree: Path) -> None:
    found = await listed(tree)

    assert (found["t/sub/link"].target, found["t/out"].target) == ("../a.txt", "/etc")
    assert not any(path.startswith("t/out/") for path in found)


async def test_a_symlink_given_itself_is_followed_when_asked_for(tree: Path) -> None:
    link = tree.parent / "given"
    link.symlink_to(tree / "sub")

    assert (await listed(link))["t"].target == str(tree / "sub")
    assert list(await listed(link, dereference_args=True)) == ["t", "t/b.txt", "t/link"]


async def test_modes_and_times_are_taken_when_asked_for(tree: Path) -> None:
    (tree / "a.txt").chmod(0o640)
    os.utime(tree / "a.txt", ns=(0, 5_000_000_007))
    plain = (await listed(tree))["t/a.txt"]
    kept = (await listed(tree, preserve_mode=True, preserve_mtime=True))["t/a.txt"]

    assert (plain.mode, plain.mtime) == (None, None)
    assert (kept.mode, kept.mtime) == (0o640, Mtime(5, 7))


@needs_fifos
async def test_a_special_file_is_refused(tree: Path) -> None:
    os.mkfifo(tree / "fifo")

    with pytest.raises(InvalidInputError, match="fifo is neither a file"):
        await listed(tree)


@needs_fifos
async def test_a_file_that_has_become_special_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(InvalidInputError, match="fifo is neither a file"):
        await anext(read(tmp_path / "fifo"))


async def test_a_file_that_has_become_a_symlink_is_refused(tree: Path) -> None:
    found = await listed(tree)
    (tree / "a.txt").unlink()
    (tree / "a.txt").symlink_to("/etc/hostname")

    with pytest.raises(InvalidInputError, match="cannot be read"):
        await content(found["t/a.txt"])


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        await listed(tmp_path / "nothing")


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
async def test_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(written := os.urandom(size))

    assert b"".join([piece async for piece in read(tmp_path / "file")]) == written


async def test_a_file_left_in_the_middle_is_closed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(3 * CHUNK))
    pieces = read(tmp_path / "file")
    await anext(pieces)
    await pieces.aclose()

    # A file that is still open warns when it is collected, which is an error here.
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


def test_a_path_without_a_name_is_called_by_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert OnDisk(Path()).name == tmp_path.name
