"""A node without peers: what it fetches is counted, and what was stopped stays stopped."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import ipfs_comm
from ipfs_comm.errors import IPFSCommError, NotFoundError, NotSupportedError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.embedded import traffic as counting
from ipfs_comm.node.embedded.peers import UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ipfs_comm.exchange import FetchContext

BLOCK = b"from elsewhere"
WANTED = CID.create(1, 0x55, multihash.digest(BLOCK, "sha2-256"))


class Elsewhere:
    """An exchange that has one block, and gives it when it may."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        self.asked.set()
        await self.may.wait()
        if cid != WANTED:
            raise NotFoundError(f"nobody has {cid}")
        return BLOCK

    async def close(self) -> None:
        self.may.set()


@pytest.fixture
async def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
async def node(elsewhere: Elsewhere) -> AsyncGenerator[Any, None]:
    async with ipfs_comm.open_node(repo=":memory:", exchange=elsewhere) as opened:
        yield opened


async def test_a_block_is_wanted_while_it_is_waited_for(node: Any, elsewhere: Elsewhere) -> None:
    calls = [asyncio.create_task(node.block.get(WANTED)) for _ in range(2)]
    await asyncio.wait_for(elsewhere.asked.wait(), 5)
    assert await node.bitswap.wantlist() == [WANTED]
    assert (await node.bitswap.stat()).wantlist == (WANTED,)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    assert await node.bitswap.wantlist() == []


async def test_what_came_is_counted_and_what_did_not_is_not(
    node: Any, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.may.set()
    assert await node.block.get(WANTED) == BLOCK
    with pytest.raises(NotFoundError):
        await node.block.get("QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU")
    assert await node.block.get(WANTED) == BLOCK
    stat, figures = await node.stats.bitswap(), await node.stats.bw()
    assert (stat.blocks_received, stat.data_received, stat.blocks_sent) == (1, len(BLOCK), 0)
    assert (figures.total_in, figures.total_out) == (len(BLOCK), 0)
    assert figures.rate_in == len(BLOCK) / counting.WINDOW
    loop = asyncio.get_running_loop()
    later = loop.time() + counting.WINDOW + 1
    monkeypatch.setattr(loop, "time", lambda: later)
    assert (await node.stats.bw()).rate_in == 0


async def test_a_rate_remembers_no_more_than_its_window_has_pieces() -> None:
    traffic = counting.Traffic()
    for _ in range(10_000):
        traffic.came(1)
    assert traffic.blocks == traffic.size == 10_000
    assert len(traffic._recent) <= counting.PIECES + 1


async def test_figures_of_one_peer_are_refused(node: Any) -> None:
    for options in ({"peer": "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"}, {"proto": "/ipfs/bitswap/1.2.0"}):
        with pytest.raises(NotSupportedError):
            await node.stats.bw(**options)


async def test_what_is_refused_names_the_verb_and_who_can(node: Any) -> None:
    with pytest.raises(NotSupportedError, match="kind='kubo'") as caught:
        await node.pubsub.publish("topic", b"data")
    assert caught.value.detail == {"verb": "pubsub.publish", "kind": "kubo"}


def test_the_verbs_that_are_refused_are_listed_in_order() -> None:
    assert list(UNSUPPORTED) == sorted(set(UNSUPPORTED))


async def test_stopping_ends_calls_under_way_and_a_second_time_does_nothing(node: Any, elsewhere: Elsewhere) -> None:
    waiting = asyncio.create_task(node.block.get(WANTED))
    await asyncio.wait_for(elsewhere.asked.wait(), 5)
    await node.stop()
    with pytest.raises(IPFSCommError):
        await asyncio.wait_for(waiting, 5)
    await node.stop()


async def test_every_part_of_a_stopped_node_says_so(node: Any) -> None:
    added = await node.add(b"hello")
    await node.stop()
    for call in (
        lambda: node.add(b"more"),
        lambda: node.cat(added.cid),
        lambda: node.block.get(added.cid),
        lambda: node.dag.get(added.cid),
        lambda: node.files.ls("/"),
        lambda: node.files.mkdir("/a"),
        lambda: node.pin.ls(),
        lambda: node.key.list(),
        lambda: node.name.resolve(),
        lambda: node.config.get_all(),
        lambda: node.bootstrap.list(),
        lambda: node.repo.stat(),
        lambda: node.repo.gc(),
        lambda: node.refs.local(),
        lambda: node.id(),
        lambda: node.capabilities(),
        lambda: node.bitswap.wantlist(),
        lambda: node.stats.bw(),
    ):
        with pytest.raises(NotSupportedError) as caught:
            await call()
        assert caught.value.code == "ERR_NOT_STARTED"


async def test_a_stopped_nodes_repository_can_be_opened_at_once(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        added = await node.add(b"hello")
        await node.stop()
        async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as another:
            assert await another.cat(added.cid) == b"hello"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ipfs_comm-")]
