from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.unixfs.disk_file import DiskFile
from ipfs_comm.unixfs.format import Mtime
from ipfs_comm.unixfs.from_disk import DiskRules, OnDisk, entries
from ipfs_comm.unixfs.importer import pieces_of

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


class Counting(Pool):
    """Counts the pieces of work."""

    count = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        return super().submit(*args, **kwargs)


async def content(entry: TreeEntry) -> bytes:
    assert entry.content is not None
    return b"".join([bytes(piece) async for piece in pieces_of(entry.content)])


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


async def test_symlinks_are_followed_anywhere_when_asked_for(tree: Path) -> None:
    (tree / "out").unlink()
    (tree.parent / "far").write_bytes(b"far")
    (tree / "to sub").symlink_to("sub")
    (tree / "to far").symlink_to("../far")
    found = await listed(tree, dereference_symlinks=True)
    assert {"t/to sub", "t/to sub/b.txt", "t/to far"} <= set(found)
    assert all(entry.target is None for entry in found.values())


async def test_a_symlink_to_a_directory_around_it_is_refused(tree: Path) -> None:
    (tree / "out").unlink()
    (tree / "sub" / "around").symlink_to(tree)
    with pytest.raises(InvalidInputError, match="leads back"):
        await listed(tree, dereference_symlinks=True)


async def test_empty_directories_are_left_out_when_asked_for(tree: Path) -> None:
    (tree / "nearly").mkdir()
    (tree / "nearly" / ".hidden").write_bytes(b"")
    found = await listed(tree, empty_dirs=False)
    assert not {"t/empty", "t/nearly"} & set(found)
    assert "t/nearly" in await listed(tree, empty_dirs=False, hidden=True)


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


async def test_a_file_that_has_become_a_symlink_is_refused(tree: Path) -> None:
    pool = Pool(1)
    try:
        async with aclosing(entries(OnDisk(tree), "t", DiskRules(), pool)) as found:
            await anext(found)
            (tree / "a.txt").unlink()
            (tree / "a.txt").symlink_to("/etc/hostname")
            taken = await anext(found)
            with pytest.raises(InvalidInputError, match="cannot be read"):
                await content(taken)
    finally:
        pool.close()


async def test_small_files_are_read_together(tmp_path: Path) -> None:
    written = {f"t/{number:03}": b"%d" % number for number in range(200)}
    (tmp_path / "t").mkdir()
    for path, data in written.items():
        (tmp_path / path).write_bytes(data)
    pool = Counting(1)
    try:
        found = [entry async for entry in entries(OnDisk(tmp_path / "t"), "t", DiskRules(), pool)]
        assert {entry.path: entry.content for entry in found[1:]} == written
    finally:
        pool.close()
    assert pool.count < 10


async def test_files_that_are_not_small_are_not_read_ahead(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(64 * 1024 + 1))
    found = await listed(tmp_path / "large")
    assert isinstance(found["t"].content, DiskFile)


@pytest.mark.parametrize("now", [b"", b"a", b"longer than it was", bytes(3 << 20)])
async def test_a_small_file_that_has_changed_since_it_was_listed_is_read_to_its_end(tree: Path, now: bytes) -> None:
    (tree / "a.txt").write_bytes(b"before")
    pool = Pool(1)
    read: dict[str, bytes] = {}
    try:
        async with aclosing(entries(OnDisk(tree), "t", DiskRules(), pool)) as found:
            async for entry in found:
                (tree / "a.txt").write_bytes(now)
                if entry.content is not None:
                    read[entry.path] = await content(entry)
    finally:
        pool.close()
    assert read == {"t/a.txt": now, "t/sub/b.txt": b"b"}


async def test_a_small_file_that_has_gone_since_it_was_listed_is_missed_in_its_place(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    pool = Pool(1)
    read: list[bytes] = []
    try:
        async with aclosing(entries(OnDisk(tmp_path), "t", DiskRules(), pool)) as found:
            await anext(found)
            (tmp_path / "b").unlink()
            read.append(await content(await anext(found)))
            gone = await anext(found)
            with pytest.raises(NotFoundError, match="b"):
                await content(gone)
            read.append(await content(await anext(found)))
    finally:
        pool.close()
    assert read == [b"a", b"c"]


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        await listed(tmp_path / "nothing")


def test_a_path_without_a_name_is_called_by_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert OnDisk(Path()).name == tmp_path.name
