"""The carrier in memory, and that it fails as it is told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.wire.carriers.memory import Faults, memory_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.wire.frame import Buffer


async def numbers_through(faults: Faults, count: int = 400) -> list[int]:
    """Send numbered packets; return the numbers that arrive before the carrier is closed."""
    one, other = memory_pair(faults)
    got: list[int] = []
    closed = asyncio.get_running_loop().create_future()

    def receive(packet: Sequence[Buffer]) -> None:
        assert len(packet) == 2
        assert bytes(packet[1]) == b"segment of " + bytes(packet[0])
        got.append(int(bytes(packet[0])))

    one.start(lambda _: None, lambda _: None)
    other.start(receive, closed.set_result)
    for number in range(count):
        one.send([bytearray(b"%d" % number), b"segment of %d" % number])
    one.close()
    await closed
    return got


async def test_without_faults_everything_arrives_in_order_and_then_the_close() -> None:
    assert await numbers_through(Faults()) == list(range(400))


@pytest.mark.parametrize("fault", ["drop", "corrupt", "truncate"])
async def test_a_loss_loses_about_as_many_as_it_was_told(fault: str) -> None:
    got = await numbers_through(Faults(**{fault: 0.5}, seed=7))
    assert 100 < len(got) < 320
    assert got == sorted(set(got))


async def test_duplicates_come_twice() -> None:
    got = await numbers_through(Faults(duplicate=0.5, seed=7))
    assert sorted(set(got)) == list(range(400))
    assert 500 < len(got) < 700


async def test_reordered_packets_are_overtaken() -> None:
    got = await numbers_through(Faults(reorder=0.5, seed=7))
    assert got != list(range(400))
    assert sorted(got) == list(range(400))


async def test_delay_keeps_the_order() -> None:
    one, other = memory_pair(Faults(delay=5, seed=7))
    got: list[bytes] = []
    last = asyncio.Event()

    def receive(packet: Sequence[Buffer]) -> None:
        got.append(bytes(packet[0]))
        if len(got) == 50:
            last.set()

    one.start(lambda _: None, lambda _: None)
    other.start(receive, lambda _: None)
    for number in range(50):
        one.send([b"%d" % number])
    async with asyncio.timeout(10):
        await last.wait()
    assert got == [b"%d" % number for number in range(50)]


async def test_what_is_delayed_arrives_before_the_close() -> None:
    assert await numbers_through(Faults(delay=1_000, seed=7), 50) == list(range(50))


async def test_a_cut_loses_everything_for_its_time() -> None:
    assert await numbers_through(Faults(cut=10, cut_ms=60_000)) == list(range(10))


async def test_the_same_seed_fails_the_same_way() -> None:
    faults = Faults(drop=0.3, duplicate=0.3, seed=5)
    assert await numbers_through(faults) == await numbers_through(faults)


async def test_what_was_sent_before_the_other_end_started_waits_for_it() -> None:
    one, other = memory_pair()
    one.start(lambda _: None, lambda _: None)
    one.send([b"early"])
    arrived: asyncio.Future[list[Buffer]] = asyncio.get_running_loop().create_future()
    other.start(lambda packet: arrived.set_result(list(packet)), lambda _: None)
    assert await arrived == [b"early"]
