from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidPathError, IPFSCommError, NoSpaceError, NotFoundError, NotUnixFSError
from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.unixfs import ImportOptions, Mtime, to_disk
from ipfs_comm.unixfs.builder import Builder, Made
from ipfs_comm.unixfs.directory import Entry, TreeEntry, build_tree, make_directory, make_symlink
from ipfs_comm.unixfs.to_disk import safe_name, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Tree:
    """A store, and DAGs in it that no honest import makes."""

    def __init__(self) -> None:
        self.store = MemoryBlockstore()
        self.builder = Builder(self.store.put, ImportOptions(raw_leaves=True).resolved())
        self.pool = Pool(1)

    async def file(self, content: bytes = b"content") -> Made:
        made, block = self.builder.leaf(content)
        await self.store.put(made.cid, bytes(block))
        return made

    async def link(self, target: str) -> Made:
        return await make_symlink(self.builder, target)

    async def directory(self, *entries: tuple[str, Made]) -> Made:
        return await make_directory(self.builder, [Entry(name, made.cid, made.size) for name, made in entries])

    async def imported(self, *entries: TreeEntry) -> CID:
        made = [entry async for entry in build_tree(entries, put=self.store.put)]
        return made[-1].cid

    async def write(self, cid: CID, to: Path, **options: str) -> list[str]:
        return [e.path async for e in write(self.store.get, cid, to, pool=self.pool, **options)]  # type: ignore[arg-type]  # what cannot be meant is tried too


@pytest.fixture
async def tree() -> AsyncIterator[Tree]:
    made = Tree()
    yield made
    made.pool.close()
    await made.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where it is written to; nothing else may be made beside it."""
    return tmp_path / "room" / "out"


@pytest.fixture(autouse=True)
def room(place: Path) -> Path:
    place.parent.mkdir()
    return place.parent


def read(path: Path) -> bytes:
    return path.read_bytes()


def dress(path: Path) -> tuple[int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_mtime_ns


def left(room: Path) -> list[str]:
    return sorted(path.name for path in room.iterdir())


async def test_a_tree_is_written_with_modes_times_and_symlinks(tree: Tree, place: Path) -> None:
    cid = await tree.imported(
        TreeEntry("t", mode=0o500, mtime=Mtime(1, 2)),
        TreeEntry("t/sub/file", b"x" * 3_000_000, mode=0o6640, mtime=Mtime(3, 4)),
        TreeEntry("t/small", b"small"),
        TreeEntry("t/empty"),
        TreeEntry("t/sub/link", target="../small"),
    )
    written = await tree.write(cid, place)

    assert written[0] == ""
    assert read(place / "sub" / "file") == b"x" * 3_000_000
    assert read(place / "sub" / "link") == b"small"
    assert left(place / "empty") == []
    assert dress(place / "sub" / "file") == (0o640, 3_000_000_004)
    assert dress(place) == (0o500, 1_000_000_002)


async def test_one_file_is_written(tree: Tree, place: Path, room: Path) -> None:
    await tree.write((await tree.file()).cid, place)

    assert read(place) == b"content"
    assert left(room) == ["out"]


def occupy(place: Path, there: str) -> None:
    if there == "file":
        place.write_bytes(b"old")
    elif there == "directory":
        place.mkdir()
    else:
        place.symlink_to("nowhere")


@pytest.mark.parametrize("there", ["file", "directory", "dangling"])
async def test_what_is_there_already_is_left_alone(tree: Tree, place: Path, room: Path, there: str) -> None:
    occupy(place, there)

    with pytest.raises(InvalidPathError, match="is there already") as refused:
        await tree.write((await tree.file()).cid, place)
    assert refused.value.code == "ERR_ALREADY_EXISTS"
    assert left(room) == ["out"]
    assert there != "file" or read(place) == b"old"


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc/passwd", "../x", "nul\0"])
async def test_a_name_that_leads_elsewhere_is_refused(tree: Tree, place: Path, room: Path, name: str) -> None:
    inner = await tree.directory((name, await tree.file()))
    root = await tree.directory(("fine", await tree.file()), ("sub", inner))

    with pytest.raises(InvalidPathError, match="cannot be a name") as refused:
        await tree.write(root.cid, place)
    assert refused.value.code == "ERR_UNSAFE_NAME"
    assert left(room) == []


@pytest.mark.parametrize("name", ["a\\b", "C:", "nul", "COM1.txt", "dot.", "space ", "tab\t", "what?"])
def test_windows_has_more_names_that_lead_elsewhere(name: str) -> None:
    assert safe_name(name, "tree", windows=False) == name
    with pytest.raises(InvalidPathError, match="cannot be a name"):
        safe_name(name, "tree", windows=True)


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../x", "sub/../../x"])
async def test_a_symlink_that_leads_out_is_refused(tree: Tree, place: Path, room: Path, target: str) -> None:
    root = await tree.directory(("link", await tree.link(target)), ("sub", await tree.directory()))

    with pytest.raises(InvalidPathError, match="out of the tree") as refused:
        await tree.write(root.cid, place)
    assert refused.value.code == "ERR_UNSAFE_SYMLINK"
    assert left(room) == []


async def test_a_symlink_that_leads_out_through_others_is_refused(tree: Tree, place: Path, room: Path) -> None:
    inner = await tree.directory(("up", await tree.link("..")))
    root = await tree.directory(("d", inner), ("link", await tree.link("d/up/../x")))

    with pytest.raises(InvalidPathError, match="out of the tree"):
        await tree.write(root.cid, place)
    assert left(room) == []


async def test_symlinks_that_lead_out_are_made_when_asked_for(tree: Tree, place: Path) -> None:
    root = await tree.directory(("link", await tree.link("/etc/passwd")))
    await tree.write(root.cid, place, symlinks="any")

    assert (place / "link").readlink() == Path("/etc/passwd")


async def test_nothing_is_written_through_a_symlink(tree: Tree, place: Path, tmp_path: Path, room: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = await tree.link(str(outside))
    root = await tree.directory(("x", link), ("x", await tree.directory(("file", await tree.file()))))

    with pytest.raises(InvalidPathError, match="is there already"):
        await tree.write(root.cid, place, symlinks="any")
    assert left(outside) == []
    assert left(room) == []


async def test_names_that_are_one_on_a_disk_without_case_are_refused(
    tree: Tree, place: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def caseless(path: Path, mode: str = "r", **more: int) -> object:
        if "x" in mode and path.parent.exists():
            names = {other.name.lower() for other in path.parent.iterdir()}
            if path.name.lower() in names:
                raise FileExistsError(path)
        return real(path, mode, **more)

    monkeypatch.setattr(Path, "open", caseless)
    root = await tree.directory(("README", await tree.file()), ("readme", await tree.file(b"other")))

    with pytest.raises(InvalidPathError, match="two of the tree's names are one"):
        await tree.write(root.cid, place)
    assert left(room) == []


async def test_a_missing_block_leaves_nothing_behind(tree: Tree, place: Path, room: Path) -> None:
    missing = CID.create(1, 0x55, multihash.digest(b"nobody has this"))
    root = await tree.directory(("a", await tree.file()), ("b", Made(missing, 15, 15, 1)))

    with pytest.raises(NotFoundError):
        await tree.write(root.cid, place)
    assert left(room) == []


async def test_leaving_in_the_middle_leaves_nothing_behind(tree: Tree, place: Path, room: Path) -> None:
    root = await tree.directory(("a", await tree.file()), ("b", await tree.file(b"b")))
    writing = write(tree.store.get, root.cid, place, pool=tree.pool)
    await anext(writing)
    await anext(writing)
    assert len(left(room)) == 1
    await writing.aclose()

    assert left(room) == []


async def test_what_is_no_file_is_refused(tree: Tree, place: Path, room: Path) -> None:
    block = codecs.get("dag-cbor").encode({"a": 1})
    cid = CID.create(1, 0x71, multihash.digest(block))
    root = await tree.directory(("node", Made(cid, len(block), 0, 1)))

    with pytest.raises(NotUnixFSError, match="dag-cbor"):
        await tree.write(root.cid, place)
    assert left(room) == []


async def test_a_file_larger_than_the_disk_is_refused_before_it_is_written(
    tree: Tree, place: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1_000_000

    monkeypatch.setattr(to_disk.shutil, "disk_usage", lambda _path: Full)
    cid = await tree.imported(TreeEntry("big", bytes(2_000_000)))

    with pytest.raises(NoSpaceError, match="does not fit"):
        await tree.write(cid, place)
    assert left(room) == []


async def test_many_small_files_stop_where_the_disk_is_full(
    tree: Tree, place: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Filling:
        @property
        def free(self) -> int:
            return max(0, 1_000_000 - sum(path.stat().st_size for path in room.rglob("*") if path.is_file()))

    monkeypatch.setattr(to_disk.shutil, "disk_usage", lambda _path: Filling())
    made = await tree.file(bytes(10_000))
    for _ in range(3):
        made = await tree.directory(*((str(n), made) for n in range(10)))

    with pytest.raises(NoSpaceError, match="does not fit"):
        await tree.write(made.cid, place)
    assert left(room) == []


async def test_a_disk_that_is_full_is_no_room(
    tree: Tree, place: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(to_disk, "_write_small", full)
    with pytest.raises(NoSpaceError, match="no room left for"):
        await tree.write((await tree.file()).cid, place)
    assert left(room) == []


async def test_a_tree_of_more_entries_than_the_limit_is_refused(
    tree: Tree, place: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_disk, "MAX_ENTRIES", 50)
    made = await tree.file()
    for _ in range(6):
        made = await tree.directory(*((str(n), made) for n in range(10)))

    with pytest.raises(IPFSCommError, match="more than 50 entries"):
        await tree.write(made.cid, place)
    assert left(room) == []


async def test_a_place_in_no_directory_is_refused(tree: Tree, place: Path) -> None:
    with pytest.raises(IPFSCommError, match="make it first"):
        await tree.write((await tree.file()).cid, place / "deeper" / "out")
    assert left(place.parent) == []
