"""Many pins at once: durable in batches, told one by one, in their order and with errors in their places."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfs_comm.errors import IPFSCommError, NotFoundError
from ipfs_comm.ipld import CID, car, multihash
from ipfs_comm.node.api import PinInput
from ipfs_comm.node.embedded import together
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from pathlib import Path


def raw(content: bytes) -> CID:
    return CID.create(1, "raw", multihash.digest(content))


MISSING = raw(b"nobody has this")
MANY = 3 * together.MOST // 2


async def blocks(node: Any, number: int) -> list[CID]:
    """Put so many blocks that nothing keeps."""
    made = {raw(b"block %d" % at): b"block %d" % at for at in range(number)}
    await node.dag.import_(car.write((), made.items()), pin_roots=False)
    return list(made)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Any]:
    async with open_node(repo=tmp_path / "repo", offline=True) as opened:
        yield opened


async def until_error(stream: Any) -> tuple[list[CID], IPFSCommError | None]:
    """Return the results, and the error that the stream ends with."""
    found: list[CID] = []
    while True:
        try:
            found.append(await anext(stream))
        except StopAsyncIteration:
            return found, None
        except IPFSCommError as error:
            return found, error


async def kept(node: Any) -> set[CID]:
    return {entry.cid async for entry in node.pin.ls(type="recursive")}


async def test_many_pins_share_few_changes_of_the_records(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cids = await blocks(node, MANY)
    changes: list[int] = []
    state = node._context.state
    apply = state._apply

    async def counted(changed: Any) -> None:
        changes.append(len(changed))
        await apply(changed)

    monkeypatch.setattr(state, "_apply", counted)
    assert await node.pin.add_all(cids) == cids
    assert await kept(node) == set(cids)
    assert await node.pin.rm_all(cids) == cids
    assert await kept(node) == set()
    assert sum(changes) == 2 * MANY
    assert len(changes) < MANY // 8


async def test_whoever_sees_a_result_can_rely_on_it(node: Any, tmp_path: Path) -> None:
    cids = await blocks(node, 100)
    async with open_node(repo=tmp_path / "repo", offline=True) as other:
        async for cid in node.pin.add_all(cids):
            assert [entry.type for entry in await other.pin.ls(cid)] == ["recursive"]
        async for cid in node.pin.rm_all(cids):
            with pytest.raises(NotFoundError, match="not pinned"):
                await other.pin.ls(cid)


@pytest.mark.parametrize("place", [0, 1, 100, together.MOST, MANY - 1])
async def test_an_error_comes_in_its_place(node: Any, place: int) -> None:
    cids = await blocks(node, MANY)
    given = [*cids[:place], MISSING, *cids[place:]]
    found, error = await until_error(node.pin.add_all(given))
    assert found == cids[:place]
    assert isinstance(error, NotFoundError)
    assert await kept(node) == set(cids[:place])
    await node.pin.add_all(cids)
    found, error = await until_error(node.pin.rm_all(given))
    assert found == cids[:place]
    assert error is not None
    assert error.code == "ERR_NOT_PINNED"
    assert await kept(node) == set(cids[place:])


async def test_an_error_of_the_source_comes_after_what_it_gave(node: Any) -> None:
    cids = await blocks(node, 5)

    def broken() -> Any:
        yield from cids
        raise ZeroDivisionError

    async def later() -> AsyncGenerator[CID, None]:
        for cid in broken():
            yield cid

    for source in (broken(), later()):
        stream = node.pin.add_all(source)
        assert [await anext(stream) for _ in cids] == cids
        with pytest.raises(ZeroDivisionError):
            await anext(stream)
        assert await kept(node) == set(cids)
        await node.pin.rm_all(cids)


async def test_a_source_that_waits_for_results_gets_them(node: Any) -> None:
    cids = await blocks(node, 20)
    for call in (node.pin.add_all, node.pin.rm_all):
        seen = asyncio.Event()

        async def in_step(seen: asyncio.Event = seen) -> AsyncGenerator[CID, None]:
            for cid in cids:
                yield cid
                await seen.wait()
                seen.clear()

        async with asyncio.timeout(30), aclosing(call(in_step())) as stream:
            for cid in cids:
                assert await anext(stream) == cid
                seen.set()


async def test_no_more_is_taken_from_a_source_than_a_batch_ahead(node: Any) -> None:
    cids = await blocks(node, 4)
    taken = 0

    async def endless() -> AsyncGenerator[CID, None]:
        nonlocal taken
        while True:
            yield cids[taken % 4]
            taken += 1

    async with node.pin.add_all(endless()) as stream:
        for _ in range(together.MOST):
            await anext(stream)
    assert taken <= 4 * together.MOST


async def test_a_root_that_has_to_be_fetched_holds_up_none_before_it() -> None:
    asked, come = asyncio.Event(), asyncio.Event()

    class Slow:
        async def fetch(self, _cid: CID, *, context: Any = None) -> bytes:
            asked.set()
            await come.wait()
            return b"nobody has this"

        async def close(self) -> None:
            return

    async with open_node(repo=":memory:", exchange=Slow()) as node, asyncio.timeout(30):
        cids = await blocks(node, 10)
        async with node.pin.add_all([*cids[:5], MISSING, *cids[5:]]) as stream:
            assert [await anext(stream) for _ in range(5)] == cids[:5]
            assert not asked.is_set()
            following = asyncio.ensure_future(anext(stream))
            await asked.wait()
            assert await kept(node) == set(cids[:5])
            come.set()
            assert await following == MISSING
            assert [cid async for cid in stream] == cids[5:]


async def test_cancelling_ends_the_source_too(node: Any) -> None:
    (cid,) = await blocks(node, 1)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncGenerator[CID, None]:
        try:
            yield cid
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = asyncio.all_tasks()
    stream = node.pin.add_all(silent())
    assert await anext(stream) == cid

    async def following() -> CID:
        begun.set()
        return await anext(stream)

    task = asyncio.ensure_future(following())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 30)
    assert asyncio.all_tasks() == tasks


async def test_leaving_early_leaves_no_task(node: Any) -> None:
    cids = await blocks(node, MANY)

    async def source() -> AsyncGenerator[CID, None]:
        for cid in cids:
            yield cid

    tasks = asyncio.all_tasks()
    async with node.pin.add_all(source()) as stream:
        assert await anext(stream) == cids[0]
    assert asyncio.all_tasks() == tasks
    assert len(await kept(node)) <= together.MOST


async def test_garbage_collection_gets_its_turn_between_batches(node: Any) -> None:
    cids = await blocks(node, 3)
    async with node.pin.add_all(cid for cid in cids[:2]) as stream:
        assert await anext(stream) == cids[0]
        assert [result.cid for result in await node.repo.gc()] == [cids[2]]
        assert await anext(stream) == cids[1]


async def test_all_roots_of_a_car_are_pinned_but_those_that_cannot_be(node: Any) -> None:
    made = {raw(b"root %d" % at): b"root %d" % at for at in range(300)}
    roots = [*list(made)[:150], MISSING, *list(made)[150:]]
    results = [result.root async for result in node.dag.import_(car.write(roots, made.items()))]
    assert [result.cid for result in results] == roots
    assert [result.cid for result in results if result.pin_error_msg] == [MISSING]
    assert await kept(node) == set(made)


PLACES = st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from([None, "a", "b"]))


async def pinned_in_both_ways(adding: Sequence[tuple[int, bool, str | None]], removing: Sequence[int]) -> None:
    outcomes = []
    for at_once in (False, True):
        async with open_node(repo=":memory:", offline=True) as node:
            cids = [*await blocks(node, 4), MISSING]

            async def one_by_one(call: Any, inputs: list[PinInput]) -> tuple[list[CID], IPFSCommError | None]:
                found: list[CID] = []
                for one in inputs:
                    done, error = await until_error(call([one]))
                    found += done
                    if error is not None:
                        return found, error
                return found, None

            told = []
            for call, inputs in (
                (node.pin.add_all, [PinInput(cids[at], recursive, None, name) for at, recursive, name in adding]),
                (node.pin.rm_all, [PinInput(cids[at]) for at in removing]),
            ):
                found, error = await (until_error(call(inputs)) if at_once else one_by_one(call, inputs))
                told.append((found, type(error), str(error)))
            outcomes.append((told, [entry async for entry in node.pin.ls()]))
    assert outcomes[0] == outcomes[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(PLACES, max_size=12), st.lists(st.integers(0, 4), max_size=8))
def test_at_once_or_one_by_one_is_the_same(adding: list[tuple[int, bool, str | None]], removing: list[int]) -> None:
    asyncio.run(pinned_in_both_ways(adding, removing))
