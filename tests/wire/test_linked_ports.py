"""The laws of a link under faults, through real clone, frames, link and carriers that are cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire.support import Inbox

from ipfs_comm.errors import LinkError
from ipfs_comm.testing import linked_ports
from ipfs_comm.wire import MessageChannel

#: Seconds within which everything arrives while fewer than 30 of 100 packets are lost, besides the cuts themselves.
ARRIVES_WITHIN = 60.0
#: Seconds within which both ends know, with the limits below.
KNOWN_WITHIN = 20.0
IMPATIENT = {
    "open_timeout": 1,
    "ping_after": 0.2,
    "silence_after": 0.1,
    "expire_after": 0.8,
    "resume_within": 0.5,
    "farewell_within": 0.2,
    "max_timeout": 0.25,
}

#: Less than 30 of 100 packets are lost, in either direction.
mild = st.fixed_dictionaries(
    {
        "drop": st.floats(0, 0.2),
        "corrupt": st.floats(0, 0.04),
        "truncate": st.floats(0, 0.04),
        "duplicate": st.floats(0, 0.3),
        "reorder": st.floats(0, 0.3),
        "delay": st.floats(0, 3),
        "cut": st.none() | st.integers(0, 60),
        "cuts": st.integers(1, 3),
        "mute": st.booleans(),
        "seed": st.integers(0, 2**32),
    }
)
any_faults = st.fixed_dictionaries(
    {
        "drop": st.floats(0, 1),
        "corrupt": st.floats(0, 1),
        "truncate": st.floats(0, 1),
        "duplicate": st.floats(0, 1),
        "reorder": st.floats(0, 1),
        "delay": st.floats(0, 20),
        "cut": st.none() | st.integers(0, 60),
        "cut_ms": st.floats(0, 60_000),
        "cuts": st.integers(1, 3),
        "mute": st.booleans(),
        "seed": st.integers(0, 2**32),
    }
)
sizes_of_messages = st.lists(st.integers(0, 40_000), min_size=1, max_size=20)


async def everything_arrives(faults: dict[str, Any], sizes: list[int]) -> None:
    linked = linked_ports(**faults, limits={"farewell_within": 0.2})
    side = MessageChannel()
    inbox = Inbox(linked.port2)
    linked.port1.post_message(None, [side.port2])
    for number, size in enumerate(sizes):
        linked.port1.post_message([number, bytes([number % 256]) * size])
        side.port1.post_message(number)
    within = ARRIVES_WITHIN + faults["cuts"] * faults["cut_ms"] / 1_000
    messages = (await inbox.take(len(sizes) + 1, within=within))[1:]
    assert messages == [[number, bytes([number % 256]) * size] for number, size in enumerate(sizes)]
    assert await Inbox(inbox.events[0].ports[0]).take(len(sizes), within=within) == list(range(len(sizes)))
    linked.close()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(mild, st.floats(0, 300), sizes_of_messages)
async def test_everything_arrives_in_order_while_faults_are_mild_and_cuts_heal(
    faults: dict[str, Any], cut_ms: float, sizes: list[int]
) -> None:
    await everything_arrives(faults | {"cut_ms": cut_ms}, sizes)


@pytest.mark.heavy
@pytest.mark.timeout(3_600)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(mild, st.floats(0, 5_000), sizes_of_messages)
async def test_everything_arrives_in_order_however_long_the_cuts_up_to_five_seconds(
    faults: dict[str, Any], cut_ms: float, sizes: list[int]
) -> None:
    await everything_arrives(faults | {"cut_ms": cut_ms}, sizes)


async def what_arrives_is_a_prefix(faults: dict[str, Any], sizes: list[int]) -> None:
    linked = linked_ports(**faults, limits=IMPATIENT)
    inbox, mine = Inbox(linked.port2), Inbox(linked.port1)
    for number, size in enumerate(sizes):
        linked.port1.post_message([number, bytes([number % 256]) * size])
    everything = asyncio.ensure_future(inbox.take(len(sizes), within=KNOWN_WITHIN))
    await asyncio.wait({everything, linked.link1.ended}, return_when=asyncio.FIRST_COMPLETED, timeout=KNOWN_WITHIN)
    if linked.link1.ended.done():
        everything.cancel()
        error = (await mine.end()).error
        assert isinstance(error, LinkError)
        if linked.link2 is not None:
            assert (await asyncio.wait_for(linked.link2.ended, KNOWN_WITHIN)).code != "ERR_PROTOCOL"
            assert linked.port2.closed or (await inbox.end()).error is not None
    else:
        await everything
    got = [event.data for event in inbox.events]
    assert got == [[number, bytes([number % 256]) * size] for number, size in enumerate(sizes)][: len(got)]
    linked.close()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_faults, sizes_of_messages)
async def test_what_comes_out_is_a_prefix_of_what_went_in_and_both_ends_learn_of_an_end(
    faults: dict[str, Any], sizes: list[int]
) -> None:
    await what_arrives_is_a_prefix(faults, sizes)


@pytest.mark.heavy
@pytest.mark.timeout(3_600)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_faults, sizes_of_messages)
async def test_the_prefix_law_holds_under_many_faults(faults: dict[str, Any], sizes: list[int]) -> None:
    await what_arrives_is_a_prefix(faults, sizes)


async def test_a_cut_heals() -> None:
    linked = await linked_ports(cut=10, cut_ms=400, seed=1)
    inbox = Inbox(linked.port2)
    for number in range(300):
        linked.port1.post_message([number, bytes(50_000)])
    assert [number for number, _ in await inbox.take(300, within=30)] == list(range(300))
    linked.close()
