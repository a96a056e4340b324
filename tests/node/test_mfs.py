"""The mutable file system of the embedded node."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ipfs_comm import open_node
from ipfs_comm.errors import (
    DeadlineError,
    InvalidInputError,
    InvalidPathError,
    IPFSCommError,
    LimitError,
    NotFoundError,
    NotUnixFSError,
)
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import FileEntry, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

EMPTY_DIRECTORY = CID.parse("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")
MIB = 1 << 20


@pytest.fixture
async def ipfs() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:", offline=True) as node:
        yield node


async def names(ipfs: Any, path: str = "/") -> list[str]:
    return sorted(entry.name for entry in await ipfs.files.ls(path))


class Blocks:
    """Counts the blocks that go in and out of a node's store."""

    def __init__(self, ipfs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: set[CID] = set()
        self.written: set[CID] = set()
        store = ipfs._context.store
        get, put = store.get, store.put

        async def counted_get(cid: CID) -> bytes:
            self.read.add(cid)
            return bytes(await get(cid))

        async def counted_put(cid: CID, data: bytes) -> None:
            self.written.add(cid)
            await put(cid, data)

        monkeypatch.setattr(store, "get", counted_get)
        monkeypatch.setattr(store, "put", counted_put)


class TestPaths:
    async def test_a_new_repository_has_an_empty_root(self, ipfs: Any) -> None:
        stat = await ipfs.files.stat("/")
        assert (stat.cid, stat.type, stat.cumulative_size) == (EMPTY_DIRECTORY, "directory", 4)
        assert await ipfs.files.ls() == []

    @pytest.mark.parametrize("path", ["/a/b", "/a//b", "/a/./b", "/a/x/../b", "/../a/b", "/a/b/../../a/b"])
    async def test_a_path_is_followed_as_it_is_meant(self, ipfs: Any, path: str) -> None:
        await ipfs.files.write("/a/b", b"x", create=True, parents=True)
        assert await ipfs.files.read(path) == b"x"

    @pytest.mark.parametrize("path", ["", "a", "/a\0b", "/" + "a/" * 600, "/" + "a" * 5000, 7, None])
    async def test_a_path_that_cannot_be_meant_is_refused(self, ipfs: Any, path: Any) -> None:
        with pytest.raises(InvalidPathError):
            await ipfs.files.mkdir(path)

    async def test_what_is_outside_cannot_be_changed(self, ipfs: Any) -> None:
        added = await ipfs.add(b"x")
        with pytest.raises(InvalidPathError, match="cannot be changed"):
            await ipfs.files.write(f"/ipfs/{added.cid}", b"y")

    async def test_a_path_through_a_file_is_refused(self, ipfs: Any) -> None:
        await ipfs.files.write("/file", b"x", create=True)
        with pytest.raises(NotUnixFSError, match="Not a directory") as caught:
            await ipfs.files.stat("/file/below")
        assert caught.value.code == "ERR_NOT_A_DIRECTORY"


class TestWrite:
    async def test_content_may_come_in_pieces_and_be_cut(self, ipfs: Any) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"hel", b"lo ", b"world"):
                yield piece

        await ipfs.files.write("/f", pieces(), create=True, length=7)
        assert await ipfs.files.read("/f") == b"hello w"

    @pytest.mark.parametrize("raw_leaves", [False, True])
    @pytest.mark.parametrize("offset", [0, 1, 262_143, 262_144, 600_000, 999_999, 1_000_000])
    async def test_bytes_are_replaced_and_the_rest_stays(self, ipfs: Any, offset: int, raw_leaves: bool) -> None:
        content = bytearray(hashlib.shake_128(b"content").digest(1_000_000))
        patch = hashlib.shake_128(b"patch").digest(300_000)
        await ipfs.files.write("/f", content, create=True, raw_leaves=raw_leaves)
        await ipfs.files.write("/f", patch, offset=offset)
        content[offset : offset + len(patch)] = patch
        assert await ipfs.files.read("/f") == content
        assert (await ipfs.files.stat("/f")).size == len(content)

    async def test_a_balanced_file_from_elsewhere_is_appended_to(self, ipfs: Any) -> None:
        content = hashlib.shake_128(b"x").digest(10_000)
        added = await ipfs.add(content, chunker="size-100", max_links=7)
        await ipfs.files.cp(f"/ipfs/{added.cid}", "/f")
        await ipfs.files.write("/f", b"end", offset=10_000)
        await ipfs.files.write("/f", b"middle", offset=5_000)
        assert await ipfs.files.read("/f") == content[:5_000] + b"middle" + content[5_006:] + b"end"

    async def test_what_was_appended_bit_by_bit_is_laid_out_as_at_once(self, ipfs: Any) -> None:
        block = b"0123456789" * 26_215
        piece = block[:262_144]
        for number in range(200):
            await ipfs.files.write("/bits", piece, create=True, offset=number * len(piece))
        added = await ipfs.add([piece] * 200, trickle=True, raw_leaves=False)
        assert (await ipfs.files.stat("/bits")).cid == added.cid

    async def test_offset_writes_into_a_large_file_touch_few_blocks(
        self, ipfs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = bytearray(hashlib.shake_128(b"large").digest(100 * MIB))
        await ipfs.files.write("/large", content, create=True)
        blocks = Blocks(ipfs, monkeypatch)
        for offset in (0, 3 * MIB + 5, 50 * MIB - 2, 99 * MIB + 1, 100 * MIB):
            blocks.read.clear()
            blocks.written.clear()
            await ipfs.files.write("/large", b"patch", offset=offset)
            content[offset : offset + 5] = b"patch"
            # Two leaves at most, the nodes above them, those that the call makes on its way, and the directory.
            assert len(blocks.read) <= 10
            assert len(blocks.written) <= 10
        blocks.read.clear()
        assert await ipfs.files.read("/large", offset=50 * MIB - 10, length=20) == content[50 * MIB - 10 :][:20]
        assert len(blocks.read) <= 8
        assert (await ipfs.files.stat("/large")).size == len(content)
        assert hashlib.sha256(await ipfs.files.read("/large")).digest() == hashlib.sha256(content).digest()

    async def test_a_gap_is_filled_with_zeros_up_to_a_limit(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"end", create=True, offset=5 * MIB + 3)
        assert await ipfs.files.read("/f") == bytes(5 * MIB + 3) + b"end"
        with pytest.raises(LimitError, match="gap"):
            await ipfs.files.write("/f", b"x", offset=1 << 50)

    @pytest.mark.parametrize(
        ("reduce", "raw_leaves", "codec"),
        [
            (None, False, "dag-pb"),
            (None, True, "raw"),
            (False, True, "dag-pb"),
            (True, True, "raw"),
            (True, False, "dag-pb"),
        ],
    )
    async def test_a_single_leaf_is_the_file_where_that_is_wanted(
        self, ipfs: Any, reduce: bool | None, raw_leaves: bool, codec: str
    ) -> None:
        await ipfs.files.write("/f", b"hello", create=True, raw_leaves=raw_leaves, reduce_single_leaf_to_self=reduce)
        stat = await ipfs.files.stat("/f")
        assert (stat.cid.codec, stat.blocks) == (codec, 0 if reduce or (reduce is None and raw_leaves) else 1)
        assert await ipfs.files.read("/f") == b"hello"

    async def test_mode_and_mtime_stay_unless_others_are_given(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"1", create=True, mode=0o600, mtime=Mtime(5, 6))
        await ipfs.files.write("/f", b"2", mtime=(7, 8))
        stat = await ipfs.files.stat("/f")
        assert (stat.mode, stat.mtime) == (0o600, Mtime(7, 8))

    async def test_a_file_with_a_time_gets_the_present_one_when_it_changes(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"1", create=True, mtime=5)
        await ipfs.files.write("/f", b"2")
        assert (await ipfs.files.stat("/f")).mtime.secs > 1_000_000_000

    @pytest.mark.parametrize("content", [-1, None, object(), {"a": 1}, [object()]])
    async def test_what_is_no_content_is_refused_and_changes_nothing(self, ipfs: Any, content: Any) -> None:
        await ipfs.files.write("/f", b"x", create=True)
        before = (await ipfs.files.stat("/")).cid
        with pytest.raises(InvalidInputError):
            await ipfs.files.write("/f", content)
        assert (await ipfs.files.stat("/")).cid == before

    @pytest.mark.parametrize("option", ["offset", "length"])
    @pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
    async def test_bytes_are_whole_numbers_from_zero(self, ipfs: Any, option: str, value: Any) -> None:
        with pytest.raises(InvalidInputError):
            await ipfs.files.write("/f", b"x", create=True, **{option: value})

    async def test_nothing_is_read_of_content_that_has_no_place(self, ipfs: Any) -> None:
        read = []

        def pieces() -> Any:
            read.append(1)
            yield b"x"

        with pytest.raises(NotFoundError, match="file does not exist"):
            await ipfs.files.write("/f", pieces())
        with pytest.raises(NotFoundError, match="/a does not exist"):
            await ipfs.files.write("/a/f", pieces(), create=True)
        assert read == []

    async def test_content_that_fails_leaves_everything_as_it_was(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"before", create=True)

        def pieces() -> Any:
            yield b"after"
            raise RuntimeError("the source broke")

        with pytest.raises(RuntimeError, match="the source broke"):
            await ipfs.files.write("/f", pieces())
        assert await ipfs.files.read("/f") == b"before"

    async def test_a_source_that_never_ends_meets_the_deadline(self, ipfs: Any) -> None:
        closed = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            try:
                await asyncio.Event().wait()
                yield b""
            finally:
                closed.set()

        with pytest.raises(DeadlineError, match=r"files\.write to /f"):
            await ipfs.files.write("/f", pieces(), create=True, timeout=0.05)
        assert closed.is_set()

    async def test_content_may_be_made_by_changing_the_same_file(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"0123456789", create=True)

        async def pieces() -> AsyncIterator[bytes]:
            yield b"ab"
            await ipfs.files.write("/f", b"XYZ", offset=6)
            await ipfs.files.mkdir("/made/meanwhile", parents=True)
            yield b"cd"

        await ipfs.files.write("/f", pieces(), offset=1)
        assert await ipfs.files.read("/f") == b"0abcd5XYZ9"
        assert await names(ipfs, "/made") == ["meanwhile"]


class TestMoving:
    async def test_a_directory_cannot_move_into_itself(self, ipfs: Any) -> None:
        await ipfs.files.mkdir("/a/b", parents=True)
        with pytest.raises(InvalidInputError, match="inside it"):
            await ipfs.files.mv("/a", "/a/b")
        assert await names(ipfs, "/a") == ["b"]

    async def test_what_moves_to_where_it_is_stays(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"x", create=True)
        await ipfs.files.mv("/f", "/f")
        await ipfs.files.mv("/f", "/")
        assert await ipfs.files.read("/f") == b"x"

    async def test_moving_onto_a_file_replaces_it(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"new", create=True)
        await ipfs.files.write("/g", b"old", create=True)
        await ipfs.files.mv("/f", "/g")
        assert await ipfs.files.read("/g") == b"new"
        assert await names(ipfs) == ["g"]

    async def test_several_move_all_or_none(self, ipfs: Any) -> None:
        for name in ("/a", "/b"):
            await ipfs.files.write(name, b"x", create=True)
        await ipfs.files.mkdir("/d")
        with pytest.raises(NotFoundError):
            await ipfs.files.mv("/a", "/missing", "/d")
        assert await names(ipfs) == ["a", "b", "d"]
        await ipfs.files.mv(["/a", "/b"], "/d")
        assert await names(ipfs, "/d") == ["a", "b"]

    async def test_the_root_neither_moves_nor_goes(self, ipfs: Any) -> None:
        for call in (ipfs.files.mv("/", "/a"), ipfs.files.rm("/", recursive=True), ipfs.files.rm("/", force=True)):
            with pytest.raises(InvalidInputError, match="root"):
                await call

    async def test_a_copy_of_what_nobody_has_is_refused(self, ipfs: Any) -> None:
        with pytest.raises(NotFoundError):
            await ipfs.files.cp("/ipfs/QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd", "/f")
        assert await names(ipfs) == []

    async def test_a_directory_is_not_replaced_even_by_force(self, ipfs: Any) -> None:
        await ipfs.files.mkdir("/d/f", parents=True)
        await ipfs.files.write("/f", b"x", create=True)
        with pytest.raises(InvalidInputError, match="already has entry") as caught:
            await ipfs.files.cp("/f", "/d", force=True)
        assert caught.value.code == "ERR_ALREADY_EXISTS"

    async def test_what_can_be_removed_is_and_the_error_names_the_rest(self, ipfs: Any) -> None:
        for name in ("/a", "/b"):
            await ipfs.files.write(name, b"x", create=True)
        with pytest.raises(NotFoundError, match=r"1 of 3 .*/missing does not exist"):
            await ipfs.files.rm("/a", "/missing", "/b")
        assert await names(ipfs) == []


class TestMetadata:
    @pytest.mark.parametrize(
        ("before", "mode", "after"),
        [
            (0o644, "u+x,g=rw,o-r", 0o760),
            (0o644, "a=", 0),
            (0, "+rwx", 0o777),
            (0o711, "o=X", 0o711),
            (0, "+X", 0),
            (0, 0o7777, 0o7777),
            (0, "04755", 0o4755),
        ],
    )
    async def test_permission_bits_change_as_asked(self, ipfs: Any, before: int, mode: Any, after: int) -> None:
        await ipfs.files.write("/f", b"x", create=True, mode=before)
        await ipfs.files.chmod("/f", mode)
        assert (await ipfs.files.stat("/f")).mode == after
        assert await ipfs.files.read("/f") == b"x"

    @pytest.mark.parametrize("mode", ["", "u~x", "rwx", "9", None, -1, 1.5, "+x," * 2000])
    async def test_what_is_no_mode_is_refused(self, ipfs: Any, mode: Any) -> None:
        await ipfs.files.write("/f", b"x", create=True)
        with pytest.raises(InvalidInputError, match="mode"):
            await ipfs.files.chmod("/f", mode)

    async def test_everything_below_changes_too_and_sharded_directories_stay_so(self, ipfs: Any) -> None:
        entries = [{"path": f"d/sub/{number}", "content": b"x"} for number in range(20)]
        made = await ipfs.add_all(entries, shard_split_threshold=100, raw_leaves=True)
        await ipfs.files.cp(f"/ipfs/{made[-1].cid}", "/d")
        await ipfs.files.chmod("/d", 0o700, recursive=True)
        assert {entry.mode for entry in await ipfs.files.ls("/d/sub")} == {0o700}
        assert len(await ipfs.files.ls("/d/sub")) == 20
        assert (await ipfs.dag.get((await ipfs.files.stat("/d/sub")).cid)).value["Data"][:2] == b"\x08\x05"

    async def test_touching_makes_an_empty_file_or_sets_the_time(self, ipfs: Any) -> None:
        await ipfs.files.touch("/f")
        assert await ipfs.files.read("/f") == b""
        await ipfs.files.touch("/", mtime=7)
        assert (await ipfs.files.stat("/")).mtime == Mtime(7)
        assert await names(ipfs) == ["f"]


class TestForms:
    async def test_what_is_new_takes_after_the_defaults_and_not_the_directory_around_it(self, ipfs: Any) -> None:
        await ipfs.files.mkdir("/d", cid_version=1)
        await ipfs.files.write("/d/f", b"x", create=True)
        await ipfs.files.mkdir("/d/sub")
        assert [(await ipfs.files.stat(path)).cid.version for path in ("/d", "/d/f", "/d/sub")] == [1, 0, 0]

    async def test_a_hash_that_is_asked_for_comes_with_version_1(self, ipfs: Any) -> None:
        await ipfs.files.mkdir("/d", hash_alg="sha2-256")
        assert (await ipfs.files.stat("/d")).cid.version == 1

    async def test_leaves_that_change_keep_the_form_that_they_had(self, ipfs: Any) -> None:
        added = await ipfs.add(b"a" * 30, chunker="size-10", cid_version=1, hash_alg="sha2-512", raw_leaves=False)
        await ipfs.files.cp(f"/ipfs/{added.cid}", "/f")
        await ipfs.files.write("/f", b"bb", offset=9)
        node = (await ipfs.dag.get((await ipfs.files.stat("/f")).cid)).value
        assert [(link["Hash"].version, link["Hash"].multihash.name) for link in node["Links"]] == [(1, "sha2-512")] * 3

    async def test_a_leaf_that_is_cut_off_is_written_in_the_oldest_form(self, ipfs: Any) -> None:
        added = await ipfs.add(b"a" * 30, chunker="size-10", cid_version=1, raw_leaves=False)
        await ipfs.files.cp(f"/ipfs/{added.cid}", "/f")
        await ipfs.files.write("/f", b"", truncate=True)
        stat = await ipfs.files.stat("/f")
        (leaf,) = (await ipfs.dag.get(stat.cid)).value["Links"]
        assert (stat.cid.version, leaf["Hash"].version, await ipfs.files.read("/f")) == (1, 0, b"")


class TestReading:
    async def test_entries_say_what_they_are(self, ipfs: Any) -> None:
        await ipfs.files.mkdir("/d/sub", parents=True, mtime=3)
        await ipfs.files.write("/d/f", b"hello", create=True, raw_leaves=True)
        file, directory = await ipfs.files.ls("/d")
        assert file == FileEntry("f", "file", 5, (await ipfs.files.stat("/d/f")).cid)
        assert directory == FileEntry("sub", "directory", 0, directory.cid, 0o755, Mtime(3))

    async def test_how_much_is_local_is_told_when_asked(self, ipfs: Any) -> None:
        added = await ipfs.add(bytes(100_000) + b"1", chunker="size-50000", raw_leaves=True)
        stat = await ipfs.files.stat(f"/ipfs/{added.cid}", with_local=True)
        assert (stat.with_locality, stat.local) == (True, True)
        (leaf, *_, last) = (await ipfs.dag.get(added.cid)).value["Links"]
        assert stat.size_local == stat.cumulative_size - 50_000, "the same leaf comes twice"
        await ipfs._context.store.delete(last["Hash"])
        stat = await ipfs.files.stat(f"/ipfs/{added.cid}", with_local=True)
        assert (stat.local, leaf["Hash"] != last["Hash"]) == (False, True)

    async def test_reading_beyond_the_end_is_refused(self, ipfs: Any) -> None:
        await ipfs.files.write("/f", b"four", create=True)
        assert await ipfs.files.read("/f", offset=4) == b""
        with pytest.raises(InvalidInputError, match="size"):
            await ipfs.files.read("/f", offset=5)

    async def test_flush_tells_the_cid_and_the_root_can_be_read_as_a_block(self, ipfs: Any) -> None:
        assert await ipfs.files.flush() == EMPTY_DIRECTORY
        assert await ipfs.block.get(EMPTY_DIRECTORY) == b"\n\x02\x08\x01"
        with pytest.raises(NotFoundError):
            await ipfs.files.flush("/missing")


class TestSharding:
    async def test_a_directory_is_sharded_as_it_grows_and_single_again_as_it_shrinks(self, ipfs: Any) -> None:
        split = {"shard_split_threshold": 1_000}
        seen = []
        for number in range(40):
            await ipfs.files.write(f"/d/{number:03}", b"x", create=True, parents=True, **split)
            seen.append((await ipfs.files.stat("/d")).cid)
            made = await ipfs.add_all(
                [{"path": f"d/{n:03}", "content": b"x"} for n in range(number + 1)],
                trickle=True,
                raw_leaves=False,
                **split,
            )
            assert made[-1].cid == seen[-1]
        for number in reversed(range(1, 40)):
            await ipfs.files.rm(f"/d/{number:03}", **split)
            assert (await ipfs.files.stat("/d")).cid == seen[number - 1]

    async def test_one_entry_of_a_large_directory_costs_few_blocks(
        self, ipfs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = await ipfs.add_all([{"path": f"d/{number}", "content": b"x"} for number in range(20_000)])
        await ipfs.files.cp(f"/ipfs/{made[-1].cid}", "/d")
        blocks = Blocks(ipfs, monkeypatch)
        await ipfs.files.write("/d/another", b"y", create=True)
        assert len(blocks.read) <= 10
        assert len(blocks.written) <= 10


class TestSharing:
    async def test_what_is_acknowledged_is_there_when_the_repository_opens_again(self, tmp_path: Path) -> None:
        async with open_node(repo=tmp_path / "repo", offline=True) as ipfs:
            await ipfs.files.write("/a/f", b"kept", create=True, parents=True)
            root = await ipfs.files.flush()
        async with open_node(repo=tmp_path / "repo", offline=True) as ipfs:
            assert await ipfs.files.read("/a/f") == b"kept"
            assert await ipfs.files.flush() == root

    async def test_two_nodes_never_lose_each_others_changes(self, tmp_path: Path) -> None:
        async with (
            open_node(repo=tmp_path / "repo", offline=True) as one,
            open_node(repo=tmp_path / "repo", offline=True) as two,
        ):
            nodes: list[Any] = [one, two]
            await asyncio.gather(
                *(
                    node.files.write(f"/d{number % 3}/{which}-{number}", b"x", create=True, parents=True)
                    for which, node in enumerate(nodes)
                    for number in range(15)
                )
            )
            expected = sorted(f"{which}-{number}" for which in range(2) for number in range(15))
            for node in nodes:
                found = [name for third in range(3) for name in await names(node, f"/d{third}")]
                assert sorted(found) == expected

    async def test_two_processes_never_lose_each_others_changes(self, tmp_path: Path) -> None:
        program = """
import asyncio, sys
from ipfs_comm import open_node

async def main(repo, who):
    async with open_node(repo=repo, offline=True) as ipfs:
        for number in range(10):
            await ipfs.files.write(f"/shared/{who}-{number}", b"x", create=True, parents=True)

asyncio.run(main(*sys.argv[1:]))
"""
        repo = tmp_path / "repo"
        running = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(repo), who) for who in "abc"]
        assert [await process.wait() for process in running] == [0, 0, 0]
        async with open_node(repo=repo, offline=True) as ipfs:
            assert len(await ipfs.files.ls("/shared")) == 30

    async def test_two_writes_into_one_file_both_arrive(self, tmp_path: Path) -> None:
        async with (
            open_node(repo=tmp_path / "repo", offline=True) as one,
            open_node(repo=tmp_path / "repo", offline=True) as two,
        ):
            await one.files.write("/f", bytes(100), create=True)
            await asyncio.gather(
                *((one, two)[n % 2].files.write("/f", bytes((n + 1,)), offset=n * 3) for n in range(20))
            )
            content = await one.files.read("/f")
            assert [content[n * 3] for n in range(20)] == list(range(1, 21))

    async def test_blocks_are_durable_before_the_root_leads_to_them(
        self, ipfs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        happened: list[str] = []
        store, state = ipfs._context.store, ipfs._context.state

        def noted(owner: Any, name: str, what: str) -> None:
            function: Callable[..., Awaitable[Any]] = getattr(owner, name)

            async def wrapped(*arguments: Any) -> Any:
                happened.append(what)
                return await function(*arguments)

            monkeypatch.setattr(owner, name, wrapped)

        noted(store, "put", "put")
        noted(store, "sync", "sync")
        noted(state, "_apply", "root")
        await ipfs.files.write("/a/f", b"x", create=True, parents=True)
        assert happened[-2:] == ["sync", "root"]
        assert set(happened[:-2]) == {"put"}

    async def test_a_change_that_cannot_be_recorded_did_not_happen(
        self, ipfs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await ipfs.files.write("/f", b"before", create=True)

        async def broken(_changes: Any) -> None:
            raise OSError("the disk is gone")

        with monkeypatch.context() as patched:
            patched.setattr(ipfs._context.state, "_apply", broken)
            with pytest.raises(OSError, match="the disk is gone"):
                await ipfs.files.write("/f", b"after")
        assert await ipfs.files.read("/f") == b"before"


NAMES = st.sampled_from(["a", "b", "ä c", "long" * 10])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))


class Machine(RuleBasedStateMachine):
    """The MFS against a dict: paths to bytes, and to None for directories."""

    threshold = 262_144

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, bytes | None] = {}
        self.runner = asyncio.Runner()
        self.opening = open_node(repo=":memory:", offline=True, shard_split_threshold=self.threshold)
        self.files: Any = self.runner.run(self.opening.__aenter__()).files

    def teardown(self) -> None:
        self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()

    def call(self, possible: bool, verb: str, *arguments: Any, **options: Any) -> bool:
        """Call a verb, which is to succeed if the model says so."""

        async def run() -> None:
            await getattr(self.files, verb)(*arguments, **options)

        if possible:
            self.runner.run(run())
        else:
            with pytest.raises(IPFSCommError):
                self.runner.run(run())
        return possible

    def kind(self, path: str) -> str:
        if path in ("", "/"):
            return "directory"
        if path not in self.model:
            return "nothing"
        return "directory" if self.model[path] is None else "file"

    def reachable(self, path: str, parents: bool) -> bool:
        """Whether something can be put at a path that has nothing yet."""
        above = path.rpartition("/")[0]
        kind = self.kind(above)
        return kind == "directory" or (kind == "nothing" and parents and self.reachable(above, True))

    def make_parents(self, path: str) -> None:
        above = path.rpartition("/")[0]
        if above:
            self.make_parents(above)
            self.model.setdefault(above, None)

    @rule(path=PATHS, parents=st.booleans())
    def mkdir(self, path: str, parents: bool) -> None:
        kind = self.kind(path)
        possible = (kind == "nothing" and self.reachable(path, parents)) or (kind == "directory" and parents)
        if self.call(possible, "mkdir", path, parents=parents):
            self.make_parents(path)
            self.model[path] = None

    @rule(
        path=PATHS,
        content=st.binary(max_size=300),
        offset=st.integers(0, 400),
        create=st.booleans(),
        parents=st.booleans(),
        truncate=st.booleans(),
        raw_leaves=st.sampled_from([None, False, True]),
        cid_version=st.sampled_from([None, 0, 1]),
    )
    def write(
        self, path: str, content: bytes, offset: int, create: bool, parents: bool, truncate: bool, **options: Any
    ) -> None:
        kind = self.kind(path)
        possible = kind == "file" or (kind == "nothing" and create and self.reachable(path, parents))
        arguments = {"offset": offset, "create": create, "parents": parents, "truncate": truncate, **options}
        if self.call(possible, "write", path, content, **arguments):
            self.make_parents(path)
            before = b"" if truncate else self.model.get(path) or b""
            head = before[:offset].ljust(offset, b"\0")
            self.model[path] = head + content + before[offset + len(content) :]

    def below(self, path: str) -> dict[str, bytes | None]:
        return {
            found[len(path) :]: content
            for found, content in self.model.items()
            if found == path or found.startswith(f"{path}/")
        }

    @rule(source=PATHS, to=PATHS, parents=st.booleans(), moves=st.booleans())
    def carry(self, source: str, to: str, parents: bool, moves: bool) -> None:
        inside = self.kind(to) == "directory"
        target = f"{to}/{source.rpartition('/')[2]}" if inside else to
        carried = self.below(source)
        if not moves:
            possible = bool(carried) and self.kind(target) == "nothing" and self.reachable(target, parents)
        elif target == source:
            possible, carried = bool(carried), {}
        else:
            free = self.kind(target) == "nothing" or (not inside and self.kind(target) == "file")
            possible = bool(carried) and free and self.reachable(target, parents)
            possible = possible and not target.startswith(f"{source}/")
        if self.call(possible, "mv" if moves else "cp", source, to, parents=parents) and carried:
            self.make_parents(target)
            if moves:
                for rest in carried:
                    del self.model[source + rest]
            self.model |= {target + rest: content for rest, content in carried.items()}

    @rule(path=PATHS, recursive=st.booleans(), force=st.booleans())
    def rm(self, path: str, recursive: bool, force: bool) -> None:
        kind = self.kind(path)
        way = [path[:at] for at in range(1, len(path)) if path[at] == "/"]
        blocked = any(self.kind(above) == "file" for above in way)
        possible = kind == "file" or (kind == "directory" and (recursive or force)) or (kind == "nothing" and force)
        if self.call(possible and not blocked, "rm", path, recursive=recursive, force=force):
            for rest in self.below(path):
                del self.model[path + rest]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), offset=st.integers(0, 500), length=st.integers(0, 500))
    def read(self, data: st.DataObject, offset: int, length: int) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        content = self.model[path]
        possible = content is not None and offset <= len(content)
        if self.call(possible, "read", path, offset=offset, length=length):
            assert content is not None

            async def run() -> bytes:
                return bytes(await self.files.read(path, offset=offset, length=length))

            assert self.runner.run(run()) == content[offset : offset + length]

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        async def everything(path: str, found: dict[str, bytes | None]) -> dict[str, bytes | None]:
            for entry in await self.files.ls(path or "/"):
                here = f"{path}/{entry.name}"
                if entry.type == "directory":
                    found[here] = None
                    await everything(here, found)
                else:
                    content = found[here] = bytes(await self.files.read(here))
                    assert entry.size == len(content)
            return found

        assert self.runner.run(everything("", {})) == self.model


class ShardedMachine(Machine):
    """The same where a few entries make a directory a sharded one, and a single node again."""

    threshold = 90


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestShardedMachine = ShardedMachine.TestCase
TestShardedMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
