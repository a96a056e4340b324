from __future__ import annotations

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import windows_support

from ipfs_comm.blockstore import MemoryState, SegmentBlockstore, SqliteState, State
from ipfs_comm.errors import InvalidInputError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=["memory", "sqlite", "sqlite-windows"])
async def state(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[State]:
    if request.param == "sqlite-windows":
        windows_support.apply(monkeypatch)
    opened = MemoryState() if request.param == "memory" else SqliteState(tmp_path)
    yield opened
    await opened.close()


async def put(state: State, space: str, **records: bytes) -> None:
    async with state.transaction() as transaction:
        for key, value in records.items():
            await transaction.put(space, key, value)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_a_record_is_there_after_its_transaction(state: State) -> None:
    await put(state, "pins", a=b"1")
    found = [await state.get(space, key) for space, key in (("pins", "a"), ("pins", "b"), ("mfs", "a"))]
    assert found == [b"1", None, None]


async def test_a_record_is_not_there_before_its_transaction_ends(state: State) -> None:
    async with state.transaction() as transaction:
        await transaction.put("pins", "a", b"1")
        assert await transaction.get("pins", "a") == b"1"
        assert await state.get("pins", "a") is None


async def test_a_transaction_that_fails_leaves_everything_as_it_was(state: State) -> None:
    await put(state, "pins", a=b"1")

    async def fail() -> None:
        async with state.transaction() as transaction:
            await transaction.put("pins", "a", b"2")
            await transaction.delete("pins", "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await state.get("pins", "a") == b"1"


async def test_a_record_can_be_replaced_and_removed(state: State) -> None:
    await put(state, "pins", a=b"1", b=b"1")
    async with state.transaction() as transaction:
        await transaction.put("pins", "a", b"2")
        await transaction.delete("pins", "b")
        await transaction.delete("pins", "never")
    assert [item async for item in state.items("pins")] == [("a", b"2")]


async def test_items_come_in_the_order_of_their_keys_over_many_pages(state: State) -> None:
    records = {f"k{number:05d}": str(number).encode() for number in range(1300)}
    await put(state, "pins", **dict(reversed(records.items())))
    await put(state, "other", k1=b"")
    assert [item async for item in state.items("pins")] == sorted(records.items())


async def test_items_can_be_chosen_by_prefix(state: State) -> None:
    await put(state, "pins", **{"a": b"", "ab": b"", "ab\U0010ffff": b"", "ac": b"", "b": b""})
    assert [key async for key, _ in state.items("pins", "ab")] == ["ab", "ab\U0010ffff"]


async def test_a_transaction_lists_what_it_has_changed_in_order(state: State) -> None:
    await put(state, "pins", b=b"1", d=b"1", e=b"1")
    async with state.transaction() as transaction:
        for key in "adf":
            await transaction.put("pins", key, b"2")
        await transaction.delete("pins", "e")
        found = [item async for item in transaction.items("pins")]
    assert found == [("a", b"2"), ("b", b"1"), ("d", b"2"), ("f", b"2")]
    assert [item async for item in state.items("pins")] == found


async def test_transactions_of_many_tasks_follow_one_another(state: State) -> None:
    await put(state, "n", n=b"0")

    async def add_one() -> None:
        async with state.transaction() as transaction:
            number = int(await transaction.get("n", "n") or b"")
            await transaction.put("n", "n", str(number + 1).encode())

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert await state.get("n", "n") == b"20"


async def test_a_transaction_inside_another_is_refused(state: State) -> None:
    async with state.transaction():
        with pytest.raises(InvalidInputError, match="inside another"):
            async with state.transaction():
                pass
    await put(state, "pins", a=b"1")


async def test_records_that_are_too_large_are_refused(state: State) -> None:
    async with state.transaction() as transaction:
        with pytest.raises(InvalidInputError, match="at most"):
            await transaction.put("pins", "k" * 5000, b"")
        with pytest.raises(InvalidInputError, match="at most"):
            await transaction.put("pins", "k", bytes(2 << 20))


async def test_a_closed_state_says_so(state: State) -> None:
    await state.close()
    await state.close()
    with pytest.raises(RepositoryError, match="closed"):
        await state.get("pins", "a")


async def test_records_outlive_the_state(tmp_path: Path) -> None:
    first = SqliteState(tmp_path)
    await put(first, "pins", a=b"1")
    await first.close()
    second = SqliteState(tmp_path)
    assert await second.get("pins", "a") == b"1"
    await second.close()


async def test_nothing_is_opened_before_it_is_used_and_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    state = SqliteState(tmp_path)
    assert modes(tmp_path) == set()
    await put(state, "pins", a=b"1")
    assert modes(tmp_path) == {0o600}
    await state.close()


async def test_transactions_of_many_processes_follow_one_another(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from ipfs_comm.blockstore import SqliteState
async def main():
    state = SqliteState(pathlib.Path({str(tmp_path)!r}))
    for _ in range(25):
        async with state.transaction() as transaction:
            number = int(await transaction.get("n", "n") or b"0")
            await transaction.put("n", "n", str(number + 1).encode())
    await state.close()
asyncio.run(main())
"""
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    state = SqliteState(tmp_path)
    assert await state.get("n", "n") == b"75"
    await state.close()


async def test_a_damaged_file_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"no database at all" * 100)
    state = SqliteState(tmp_path)
    with pytest.raises(RepositoryError, match="pins"):
        await state.get("pins", "a")
    await state.close()


async def test_a_cancelled_transaction_leaves_the_state_usable(tmp_path: Path) -> None:
    state = SqliteState(tmp_path)
    async with await SegmentBlockstore.open(tmp_path):
        for delay in range(6):
            task = asyncio.create_task(put(state, "pins", a=str(delay).encode()))
            for _ in range(delay):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        await put(state, "pins", a=b"last")
        assert await state.get("pins", "a") == b"last"
    await state.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
async def test_a_forked_child_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = SqliteState(tmp_path)
    await put(state, "pins", a=b"1")
    pid = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: pid + 1)
        with pytest.raises(RepositoryError, match="forked"):
            await state.get("pins", "a")
    await state.close()
