"""The contract of what a node and every client of one have in common."""

from __future__ import annotations

import asyncio
import hashlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import (
    CodecError,
    DeadlineError,
    InvalidInputError,
    LimitError,
    NoLinkError,
    NotFoundError,
    NotUnixFSError,
)
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import File, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ipfs_comm.node.api import Node

__all__ = ["EMPTY_DIRECTORY", "HELLO", "MISSING", "ClientContract"]

HELLO = CID.parse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
EMPTY_DIRECTORY = CID.parse("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")
MISSING = CID.parse("QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd")


class ClientContract:
    """Tests of the verbs that a node and a client share; a subclass gives the fixture ``node``, an empty one."""

    async def test_content_comes_back(self, node: Node) -> None:
        added = await node.add(b"hello")
        assert (added.cid, added.path, added.size) == (HELLO, str(HELLO), 13)
        assert await node.cat(HELLO) == b"hello"

    async def test_a_file_of_many_blocks_comes_back_in_pieces(self, node: Node) -> None:
        content = hashlib.shake_128(b"x").digest(1_000_003)
        added = await node.add(content)
        pieces = [piece async for piece in node.cat(added.cid)]
        assert len(pieces) > 1
        assert b"".join(pieces) == content

    @pytest.mark.parametrize("given", ["hello", bytearray(b"hello"), [b"he", b"llo"], {"content": "hello"}])
    async def test_every_form_of_content_is_the_same_file(self, node: Node, given: Any) -> None:
        assert (await node.add(given)).cid == HELLO

    async def test_a_file_object_is_read(self, node: Node) -> None:
        assert (await node.add(io.BytesIO(b"hello"))).cid == HELLO

    async def test_a_path_is_a_file_of_that_name(self, node: Node, tmp_path: Path) -> None:
        (tmp_path / "greeting.txt").write_bytes(b"hello")
        added = await node.add(tmp_path / "greeting.txt")
        assert (added.cid, added.path) == (HELLO, "greeting.txt")

    async def test_a_str_that_names_a_file_is_content_with_a_warning(self, node: Node, tmp_path: Path) -> None:
        path = tmp_path / "greeting.txt"
        path.write_bytes(b"hello")
        with pytest.warns(UserWarning, match=r"pathlib\.Path"):
            added = await node.add(str(path))
        assert await node.cat(added.cid) == str(path).encode()

    async def test_an_async_iterable_is_one_file(self, node: Node) -> None:
        async def content() -> AsyncGenerator[bytes, None]:
            yield b"he"
            yield b"llo"

        assert (await node.add(content())).cid == HELLO

    async def test_options_are_those_of_js_ipfs(self, node: Node) -> None:
        added = await node.add(b"hello", cid_version=1, raw_leaves=True, only_hash=True, pin=False)
        assert str(added.cid) == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
        assert added.mode is None
        with pytest.raises(NotFoundError):
            await node.cat(added.cid)

    async def test_mode_and_mtime_are_kept(self, node: Node) -> None:
        when = datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
        added = await node.add(File("a", b"hello", mode="0640", mtime=when))
        stat = await node.files.stat(f"/ipfs/{added.cid}")
        assert (stat.mode, stat.mtime) == (0o640, Mtime(int(when.timestamp()), 7000))

    async def test_wrapping_gives_the_directory(self, node: Node) -> None:
        added = await node.add({"path": "x", "content": "hello"}, wrap_with_directory=True)
        assert (added.path, added.size, added.mode) == ("", 60, 0o755)
        assert await node.cat(f"/ipfs/{added.cid}/x") == b"hello"

    async def test_progress_tells_the_bytes_of_each_path_so_far(self, node: Node) -> None:
        told: list[tuple[int, str]] = []
        content = bytes(600_000)
        await node.add({"path": "a", "content": content}, progress=lambda size, path: told.append((size, path)))
        assert told == [(262_144, "a"), (524_288, "a"), (600_000, "a")]

    async def test_files_come_before_the_directories_that_hold_them(self, node: Node) -> None:
        source = [File("d/a.txt", b"a"), File("d/sub/b.txt", b"bb"), File("d/empty")]
        entries = await node.add_all(source)
        assert [entry.path for entry in entries][:2] == ["d/a.txt", "d/sub/b.txt"]
        assert entries[-1].path == "d"
        assert {entry.path for entry in entries} == {"d/a.txt", "d/sub/b.txt", "d/sub", "d/empty", "d"}

    async def test_entries_come_while_the_source_still_waits(self, node: Node) -> None:
        seen = asyncio.Event()

        async def source() -> AsyncGenerator[bytes, None]:
            yield b"hello"
            await seen.wait()
            yield b"world"

        async with asyncio.timeout(10):
            entries = node.add_all(source())
            assert (await anext(aiter(entries))).cid == HELLO
            seen.set()
            assert len([entry async for entry in entries]) == 1

    async def test_an_error_of_the_source_is_the_error_of_the_call(self, node: Node) -> None:
        async def source() -> AsyncGenerator[bytes, None]:
            yield b"hello"
            raise ValueError("no more")

        with pytest.raises(Exception, match="no more"):
            await node.add_all(source())

    async def test_a_single_item_is_no_source(self, node: Node) -> None:
        with pytest.raises(InvalidInputError, match="single item passed"):
            await node.add_all(b"hello")  # type: ignore[arg-type]  # that is what is tested

    async def test_several_files_are_not_one(self, node: Node) -> None:
        with pytest.raises(InvalidInputError, match="multiple items passed"):
            await node.add([{"content": b"a"}, {"content": b"b"}])  # type: ignore[list-item]  # that is what is tested

    @pytest.mark.parametrize("path", ["../a", "a/../../b", "a\0b"])
    async def test_a_path_cannot_lead_out(self, node: Node, path: str) -> None:
        with pytest.raises(InvalidInputError):
            await node.add({"path": path, "content": b"x"})

    async def test_cat_gives_the_bytes_asked_for(self, node: Node) -> None:
        added = await node.add(b"0123456789abcdefghij", chunker="size-7")
        assert await node.cat(added.cid, offset=5, length=10) == b"56789abcde"

    async def test_cat_takes_a_cid_in_every_form(self, node: Node) -> None:
        await node.add(b"hello")
        for form in (HELLO, str(HELLO), bytes(HELLO), f"/ipfs/{HELLO}", HELLO.to_v1()):
            assert await node.cat(form) == b"hello"

    async def test_a_directory_has_no_bytes(self, node: Node) -> None:
        added = await node.add({"path": "d/a", "content": b"a"}, wrap_with_directory=True)
        with pytest.raises(Exception, match="this dag node is a directory"):
            await node.cat(added.cid)

    async def test_a_name_that_is_not_there_is_named(self, node: Node) -> None:
        added = await node.add({"path": "a", "content": b"a"}, wrap_with_directory=True)
        with pytest.raises(NoLinkError, match=f"nope.* under {added.cid}"):
            await node.cat(f"{added.cid}/nope")

    async def test_ls_tells_names_types_and_sizes(self, node: Node) -> None:
        await node.add_all([File("d/a", b"aaa"), File("d/s/b", b"b")])
        root = (await node.add_all([File("d/a", b"aaa"), File("d/s/b", b"b")]))[-1].cid
        listed = await node.ls(root)
        assert [(e.name, e.path, e.type, e.size, e.mode) for e in listed] == [
            ("a", f"{root}/a", "file", 3, 0o644),
            ("s", f"{root}/s", "dir", 0, 0o755),
        ]

    async def test_ls_of_a_file_is_the_file(self, node: Node) -> None:
        await node.add(b"hello")
        (entry,) = await node.ls(HELLO)
        assert (entry.name, entry.path, entry.type, entry.size) == (str(HELLO), str(HELLO), "file", 5)

    async def test_a_dag_node_comes_back(self, node: Node) -> None:
        value = {"text": "é", "bytes": b"\x00\xff", "list": [1, -2, 1.5, None, True], "link": HELLO, "big": 2**60}
        cid = await node.dag.put(value)
        assert (cid.codec, cid.version) == ("dag-cbor", 1)
        assert (await node.dag.get(cid)).value == value

    @pytest.mark.parametrize("codec", ["dag-cbor", "dag-json"])
    async def test_codecs_are_chosen_by_name(self, node: Node, codec: str) -> None:
        cid = await node.dag.put({"a": [HELLO]}, store_codec=codec, hash_alg="sha2-512")
        assert (cid.codec, cid.multihash.name) == (codec, "sha2-512")
        assert (await node.dag.get(cid, path="a/0", local_resolve=True)).value == HELLO

    async def test_a_path_goes_through_links(self, node: Node) -> None:
        inner = await node.dag.put({"x": {"y": [1, 2, 3]}})
        outer = await node.dag.put({"link": inner})
        assert (await node.dag.get(outer, path="/link/x/y/1")).value == 2
        assert (await node.dag.get(outer, path="link")).value == {"x": {"y": [1, 2, 3]}}
        stopped = await node.dag.get(outer, path="link/x", local_resolve=True)
        assert (stopped.value, stopped.remainder_path) == (inner, "x")
        resolved = await node.dag.resolve(f"/ipfs/{outer}/link/x/y")
        assert (resolved.cid, resolved.remainder_path) == (inner, "x/y")

    async def test_a_path_that_leads_nowhere_is_an_error(self, node: Node) -> None:
        cid = await node.dag.put({"a": 1})
        with pytest.raises(NoLinkError, match=f'no link named "nope" under {cid}'):
            await node.dag.get(cid, path="/nope")

    async def test_what_is_no_ipld_cannot_be_put(self, node: Node) -> None:
        with pytest.raises((CodecError, InvalidInputError)):
            await node.dag.put({"when": float("nan")})

    async def test_a_block_comes_back_under_its_hash(self, node: Node) -> None:
        cid = await node.block.put(b"blorb")
        assert str(cid) == "QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAQ"
        assert await node.block.get(cid) == b"blorb"
        assert await node.block.get(cid.to_v1()) == b"blorb"
        assert (await node.block.stat(str(cid))).size == 5

    async def test_a_block_takes_the_codec_and_hash_asked_for(self, node: Node) -> None:
        cid = await node.block.put(b"blorb", format="raw", mhtype="sha2-512", version=1)
        assert cid == CID.create(1, "raw", multihash.digest(b"blorb", "sha2-512"))

    async def test_a_block_beyond_two_mebibytes_is_refused(self, node: Node) -> None:
        with pytest.raises(LimitError):
            await node.block.put(bytes(2 * 1024 * 1024 + 1))

    async def test_an_identity_cid_is_its_own_block(self, node: Node) -> None:
        cid = CID.create(1, "raw", multihash.digest(b"here", "identity"))
        assert await node.block.get(cid) == b"here"

    async def test_removed_blocks_are_gone(self, node: Node) -> None:
        one, two = await node.block.put(b"one"), await node.block.put(b"two")
        removals = await node.block.rm([one, str(two)])
        assert [(removal.cid, removal.error) for removal in removals] == [(one, None), (two, None)]
        with pytest.raises(NotFoundError):
            await node.block.get(one)

    async def test_removing_what_is_not_there_tells_so(self, node: Node) -> None:
        (removal,) = await node.block.rm(MISSING)
        assert isinstance(removal.error, NotFoundError)
        assert "block not found" in str(removal.error)
        assert [r.error for r in await node.block.rm(MISSING, force=True)] == [None]
        assert await node.block.rm(MISSING, force=True, quiet=True) == []

    async def test_the_root_of_the_mfs_is_an_empty_directory(self, node: Node) -> None:
        stat = await node.files.stat("/")
        assert (stat.cid, stat.type, stat.size, stat.cumulative_size) == (EMPTY_DIRECTORY, "directory", 0, 4)

    async def test_stat_tells_sizes(self, node: Node) -> None:
        await node.add(b"hello world")
        stat = await node.files.stat("/ipfs/Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD")
        assert (stat.type, stat.size, stat.cumulative_size, stat.blocks) == ("file", 11, 19, 0)
        assert (stat.mode, stat.with_locality) == (0o644, False)

    async def test_stat_of_nothing_says_what_does_not_exist(self, node: Node) -> None:
        with pytest.raises(NotFoundError, match="/nope does not exist"):
            await node.files.stat("/nope")
        with pytest.raises(InvalidInputError, match="paths must start with a leading slash"):
            await node.files.stat("nope")

    async def test_a_missing_block_is_an_error_at_once(self, node: Node) -> None:
        async with asyncio.timeout(10):
            with pytest.raises(NotFoundError) as caught:
                await node.cat(MISSING)
        assert caught.value.code == "ERR_NOT_FOUND"
        assert str(MISSING) in str(caught.value)
        assert caught.value.detail["cid"] == str(MISSING)

    async def test_a_missing_block_inside_a_path_names_the_segment(self, node: Node) -> None:
        cid = await node.dag.put({"link": MISSING})
        with pytest.raises(NotFoundError, match="link") as caught:
            await node.dag.get(cid, path="link/x")
        assert caught.value.detail["segment"] == "link"

    @pytest.mark.parametrize("text", ["nonsense", "", "/ipfs/nonsense", "/ipns/example.org", b"\x01\x02"])
    async def test_what_is_no_cid_is_refused(self, node: Node, text: Any) -> None:
        with pytest.raises(Exception) as caught:  # noqa: PT011 (which of the typed errors depends on the text)
            await node.cat(text)
        assert getattr(caught.value, "code", "").startswith("ERR_")

    async def test_what_is_no_file_cannot_be_read_as_one(self, node: Node) -> None:
        cid = await node.dag.put({"a": 1})
        with pytest.raises(NotUnixFSError):
            await node.cat(cid)

    async def test_a_deadline_ends_a_call(self, node: Node) -> None:
        async def never() -> AsyncGenerator[bytes, None]:
            yield b"x"
            await asyncio.Event().wait()

        with pytest.raises(DeadlineError):
            await node.add(never(), timeout=0.05)

    async def test_cancelling_a_call_stops_the_work(self, node: Node) -> None:
        stopped, begun = asyncio.Event(), asyncio.Event()

        async def endless() -> AsyncGenerator[bytes, None]:
            try:
                while True:
                    begun.set()
                    yield b"x"
                    await asyncio.sleep(0)
            finally:
                stopped.set()

        call = asyncio.ensure_future(node.add(endless()))
        async with asyncio.timeout(10):
            await begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await stopped.wait()

    async def test_a_stream_can_be_left_at_any_item(self, node: Node) -> None:
        added = await node.add(bytes(1_000_000))
        async with node.cat(added.cid) as pieces:
            async for piece in pieces:
                assert piece
                break
        assert await node.cat(added.cid, length=3) == bytes(3)
