"""The carrier in memory, and that it fails as it is told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.memory import Faults, MemoryCarrier, memory_pair, memory_road

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


async def test_a_cut_loses_both_carriers_and_new_ones_work_after_its_time() -> None:
    loop = asyncio.get_running_loop()
    others: list[MemoryCarrier] = []
    road = memory_road(others.append, Faults(cut=2, cut_ms=50))
    got: list[bytes] = []
    lost: list[asyncio.Future[Exception | None]] = [loop.create_future(), loop.create_future()]
    arrived: asyncio.Future[None] = loop.create_future()

    def receive(packet: Sequence[Buffer]) -> None:
        got.append(bytes(packet[0]))
        if packet[0] == b"late" and not arrived.done():
            arrived.set_result(None)

    one = road.make()
    one.start(lambda _: None, lost[0].set_result)
    others[0].start(receive, lost[1].set_result)
    for number in range(3):
        one.send([b"%d" % number])
    for reason in await asyncio.wait_for(asyncio.gather(*lost), 5):
        assert not isinstance(reason, LinkError)
    new = road.make()
    new.start(lambda _: None, lambda _: None)
    others[1].start(receive, lambda _: None)
    new.send([b"early"])
    loop.call_later(0.06, lambda: new.send([b"late"]))
    await asyncio.wait_for(arrived, 5)
    assert got == [b"0", b"1", b"late"]


async def test_closing_is_told_as_the_end_for_good_unless_the_carrier_is_mute() -> None:
    loop = asyncio.get_running_loop()
    told: list[Exception | None] = []
    for mute in (True, False):
        one, other = memory_pair(Faults(mute=mute))
        assert one.tells_close is not mute
        other.start(lambda _: None, told.append)
        one.start(lambda _: None, lambda _: None)
        one.close()
    turn = loop.create_future()
    loop.call_soon(lambda: loop.call_soon(turn.set_result, None))
    await turn
    (reason,) = told
    assert isinstance(reason, LinkError)


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
