from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ipfs_comm.blockstore._repository import FORMAT
from ipfs_comm.errors import HashMismatchError, NotFoundError
from ipfs_comm.ipld import CID
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MISSING = CID.parse("QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd")


@pytest.fixture(params=["memory", "disk"])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with open_node(repo=":memory:" if request.param == "memory" else tmp_path / "r") as opened:
        yield opened


async def here(node: Any) -> set[str]:
    return {entry.ref async for entry in node.refs.local()}


def raw(cid: CID) -> str:
    return str(CID.create(1, "raw", cid.multihash))


async def test_what_no_root_needs_is_removed_and_told(node: Any) -> None:
    kept = (await node.add(b"kept")).cid
    loose = (await node.add(b"loose", pin=False)).cid
    assert [str(result.cid) for result in await node.repo.gc()] == [raw(loose)]
    assert await here(node) == {raw(kept)}
    assert await node.repo.gc() == []


async def test_quietly_nothing_is_told(node: Any) -> None:
    await node.add(b"loose", pin=False)
    assert await node.repo.gc(quiet=True) == []
    assert await here(node) == set()


async def test_everything_under_a_recursive_pin_is_kept_and_only_the_root_of_a_direct_one(node: Any) -> None:
    leaf = await node.dag.put({"leaf": 1})
    inner = await node.dag.put({"leaf": leaf})
    outer = await node.dag.put({"inner": inner})
    await node.pin.add(outer)
    await node.repo.gc()
    assert await here(node) == {raw(leaf), raw(inner), raw(outer)}
    await node.pin.rm(outer)
    await node.pin.add(outer, recursive=False)
    await node.repo.gc()
    assert await here(node) == {raw(outer)}


async def test_what_is_reached_as_raw_and_as_a_node_is_walked_as_both(node: Any) -> None:
    leaf = await node.dag.put({"leaf": 1})
    inner = await node.dag.put({"leaf": leaf})
    root = await node.dag.put([inner.with_codec("raw"), inner])
    await node.pin.add(root)
    await node.repo.gc()
    assert raw(leaf) in await here(node)


async def test_links_inside_identity_cids_are_kept(node: Any) -> None:
    leaf = await node.dag.put({"leaf": 1})
    inline = await node.dag.put({"leaf": leaf}, hash_alg="identity")
    await node.pin.add(await node.dag.put({"inline": inline}))
    await node.repo.gc()
    assert raw(leaf) in await here(node)


async def test_blocks_of_codecs_that_nobody_knows_are_kept_themselves(node: Any) -> None:
    cid = await node.block.put(b"?", format="git-raw", version=1)
    await node.pin.add(cid)
    assert await node.repo.gc() == []
    assert await node.block.get(cid) == b"?"


async def test_the_root_of_the_mfs_is_kept_even_where_it_is_not_complete(node: Any) -> None:
    leaf = await node.dag.put({"leaf": 1})
    root = await node.dag.put({"leaf": leaf, "gone": MISSING})
    async with node._context.state.transaction() as transaction:
        await transaction.put("mfs", "root", bytes(root))
    assert await node.repo.gc() == []
    assert await here(node) == {raw(leaf), raw(root)}


async def test_nothing_is_removed_where_a_pin_is_not_complete(node: Any) -> None:
    leaf = (await node.add(b"leaf", pin=False)).cid
    root = await node.dag.put({"leaf": leaf}, pin=True)
    await node._context.store.delete(leaf)
    loose = await node.block.put(b"loose")
    with pytest.raises(NotFoundError, match="has removed nothing"):
        await node.repo.gc()
    assert {raw(root), raw(loose)} <= await here(node)


async def test_collection_waits_for_what_is_being_added(node: Any) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield bytes(600_000)
        begun.set()
        await go_on.wait()
        yield b"end"

    adding = asyncio.create_task(node.add(content()))
    await begun.wait()
    collecting = asyncio.create_task(_gc(node))
    done, _ = await asyncio.wait({collecting}, timeout=0.1)
    assert not done
    go_on.set()
    added = await adding
    await collecting
    assert len(await node.cat(added.cid)) == 600_003


async def _gc(node: Any) -> Any:
    return await node.repo.gc()


async def test_collecting_while_many_add_loses_nothing(node: Any) -> None:
    contents = [hashlib.shake_128(bytes([number])).digest(300_000) for number in range(24)]
    added, *_ = await asyncio.gather(
        asyncio.gather(*(node.add(content) for content in contents)), *(_gc(node) for _ in range(4))
    )
    await node.repo.gc()
    assert [await node.cat(result.cid) for result in added] == contents


async def test_the_size_is_told(node: Any) -> None:
    await node.add(bytes(10_000))
    stat = await node.repo.stat()
    assert (stat.num_objects, stat.version, stat.repo_path) == (1, str(FORMAT), node.repo_path)
    assert stat.repo_size >= 10_000
    assert (await node.repo.stat(size_only=True)).num_objects == 0
    assert await node.repo.version() == str(FORMAT)


async def test_a_whole_repository_is_found_to_be_whole(node: Any) -> None:
    await node.add_all([bytes([number]) * 1000 for number in range(40)])
    counts: list[int] = []
    assert await node.repo.verify(progress=counts.append) == []
    assert counts[-1] == 40


async def test_damage_is_found(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r") as node:
        good, bad = (await node.add(b"good")).cid, (await node.add(b"bad")).cid
    [segment] = (tmp_path / "r" / "segments").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"bad", b"baD"))
    async with open_node(repo=tmp_path / "r") as node:
        [result] = await node.repo.verify()
        assert str(result.cid) == raw(bad)
        assert isinstance(result.error, HashMismatchError)
        assert await node.cat(good) == b"good"


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "segments").iterdir())


async def test_room_is_given_back(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r") as node:
        kept = [await node.add(os.urandom(100_000)) for _ in range(5)]
        for _ in range(20):
            await node.add(os.urandom(100_000), pin=False)
        contents = [await node.cat(result.cid) for result in kept]
        async with open_node(repo=tmp_path / "r") as other:
            await other.cat(kept[0].cid)
            await node.repo.gc(quiet=True)
            assert size_of(tmp_path / "r") < 700_000
            # The other process's handle is of a segment that is no more.
            assert [await other.cat(result.cid) for result in kept] == contents
        assert [await node.cat(result.cid) for result in kept] == contents
    async with open_node(repo=tmp_path / "r") as node:
        assert [await node.cat(result.cid) for result in kept] == contents


async def test_segments_of_others_are_left_to_them(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r") as owner, open_node(repo=tmp_path / "r") as collector:
        kept = await owner.add(os.urandom(10_000))
        await owner.add(os.urandom(100_000), pin=False)
        assert len(await collector.repo.gc()) == 1
        again = await owner.add(b"after")
        assert await collector.cat(again.cid) == b"after"
        assert len(await collector.cat(kept.cid)) == 10_000


async def test_removed_content_can_be_added_again(node: Any) -> None:
    content = os.urandom(600_000)
    cid = (await node.add(content, pin=False)).cid
    await node.repo.gc()
    assert (await node.add(content)).cid == cid
    await node.repo.gc()
    assert await node.cat(cid) == content


@pytest.mark.parametrize("step", ["commit", "remove"])
async def test_a_collection_that_dies_while_it_moves_blocks_loses_none(tmp_path: Path, step: str) -> None:
    code = textwrap.dedent(f"""
        import asyncio, os
        from ipfs_comm.blockstore import _files, _segment
        from ipfs_comm.node.open import open_node
        async def main():
            async with open_node(repo={str(tmp_path / "r")!r}) as node:
                kept = [await node.add(bytes([n]) * 50_000) for n in range(4)]
                for n in range(20):
                    await node.add(os.urandom(50_000), pin=False)
                print(*(result.cid for result in kept), flush=True)
                if {step!r} == "remove":
                    _segment.OwnedSegment.remove = lambda self: os._exit(9)
                else:
                    before = _files.Files.commit
                    def commit(self, *, durable_index=False):
                        if durable_index:
                            os._exit(9)
                        before(self)
                    _files.Files.commit = commit
                await node.repo.gc()
        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    shown, _ = await process.communicate()
    assert process.returncode == 9
    async with open_node(repo=tmp_path / "r") as node:
        contents = [bytes([number]) * 50_000 for number in range(4)]
        assert [await node.cat(cid) for cid in shown.decode().split()] == contents
        await node.repo.gc()
        assert [await node.cat(cid) for cid in shown.decode().split()] == contents
        assert await node.repo.verify() == []
        assert size_of(tmp_path / "r") < 300_000


async def test_collecting_in_one_process_while_others_add_loses_nothing_that_was_pinned(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import asyncio, sys
        from ipfs_comm.node.open import open_node
        async def main():
            async with open_node(repo={str(tmp_path / "r")!r}) as node:
                for n in range(60):
                    added = await node.add(f"{{sys.argv[1]}} {{n % 40}} ".encode() * 3000, pin=n % 3 != 0)
                    if n % 3:
                        print(added.cid, flush=True)
        asyncio.run(main())
    """)
    adders = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tag), stdout=asyncio.subprocess.PIPE)
        for tag in range(2)
    ]
    reading = asyncio.gather(*(adder.communicate() for adder in adders))
    async with open_node(repo=tmp_path / "r") as node:
        removed = 0
        while not reading.done():
            removed += len(await node.repo.gc())
            await asyncio.wait({reading}, timeout=0.01)
        removed += len(await node.repo.gc())
        assert [adder.returncode for adder in adders] == [0, 0]
        acknowledged = {cid for out, _ in reading.result() for cid in out.decode().split()}
        assert removed
        for cid in acknowledged:
            assert len(await node.cat(cid)) > 9000
        assert await node.repo.verify() == []


class PinsAndCollection(RuleBasedStateMachine):
    """Random DAGs, pins and collections, against sets of numbers."""

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.context = open_node(repo=":memory:")
        self.node: Any = self.run(self.context.__aenter__())
        self.cids: list[CID] = []
        self.children: list[set[int]] = []
        self.pins: dict[int, bool] = {}
        self.there: set[int] = set()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def under(self, number: int) -> set[int]:
        return {number}.union(*(self.under(child) for child in self.children[number]))

    def kept(self) -> set[int]:
        return {kept for pin, recursive in self.pins.items() for kept in (self.under(pin) if recursive else {pin})}

    @rule(children=st.sets(st.integers(0, 30), max_size=3), pin=st.booleans())
    def put(self, children: set[int], pin: bool) -> None:
        links = {child % len(self.cids) for child in children} if self.cids else set()
        number = len(self.cids)
        complete = all(self.under(link) <= self.there for link in links)
        value = {"n": number, "links": [self.cids[link] for link in sorted(links)]}
        self.cids.append(self.run(self.node.dag.put(value)))
        self.children.append(links)
        self.there.add(number)
        if pin and complete:
            self.run(self.node.pin.add(self.cids[number]))
            self.pins[number] = True

    @rule(chosen=st.integers(0, 30), recursive=st.booleans())
    def pin(self, chosen: int, recursive: bool) -> None:
        if not self.cids:
            return
        number = chosen % len(self.cids)
        possible = self.under(number) <= self.there if recursive else number in self.there
        if self.pins.get(number) and not recursive:
            possible = False
        try:
            self.run(self.node.pin.add(self.cids[number], recursive=recursive))
        except (NotFoundError, ValueError):
            assert not possible
        else:
            assert possible
            self.pins[number] = recursive

    @rule(chosen=st.integers(0, 30))
    def unpin(self, chosen: int) -> None:
        if not self.cids:
            return
        number = chosen % len(self.cids)
        try:
            self.run(self.node.pin.rm(self.cids[number]))
        except NotFoundError:
            assert number not in self.pins
        else:
            del self.pins[number]

    @rule(chosen=st.integers(0, 30))
    def remove(self, chosen: int) -> None:
        if not self.cids:
            return
        number = chosen % len(self.cids)
        [result] = self.run(_all(self.node.block.rm(self.cids[number])))
        expected = "ERR_PINNED" if number in self.kept() else None if number in self.there else "ERR_NOT_FOUND"
        assert getattr(result.error, "code", None) == expected
        if expected is None:
            self.there.remove(number)

    @rule()
    def collect(self) -> None:
        removed = {str(result.cid) for result in self.run(_all(self.node.repo.gc()))}
        assert removed == {raw(self.cids[number]) for number in self.there - self.kept()}
        self.there &= self.kept()

    @invariant()
    def what_is_kept_is_there(self) -> None:
        if hasattr(self, "node"):
            assert self.run(here(self.node)) == {raw(self.cids[number]) for number in self.there}
            kinds = {str(entry.cid): entry.type for entry in self.run(_all(self.node.pin.ls()))}
            assert kinds == {
                str(self.cids[number]): {True: "recursive", False: "direct", None: "indirect"}[self.pins.get(number)]
                for number in self.kept()
            }

    def teardown(self) -> None:
        if hasattr(self, "node"):
            self.run(self.context.__aexit__(None, None, None))
            self.loop.close()


async def _all(stream: Any) -> list[Any]:
    return [item async for item in stream]


TestPinsAndCollection = PinsAndCollection.TestCase
TestPinsAndCollection.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
