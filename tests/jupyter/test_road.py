"""What the control thread sends at once: small packets that wait for the same page, and nothing else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.wire.carriers.direct import JOINED, ControlRoad, DirectCarrier
from ipfs_comm.wire.frame import Ping, encode_packet, parse_packet

if TYPE_CHECKING:
    from collections.abc import Iterator


class Control:
    """A control thread that waits to be told, and what went out."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any] | None]] = []
        self._callbacks: list[Any] = []
        self.road = ControlRoad(
            SimpleNamespace(
                control_stream=SimpleNamespace(io_loop=SimpleNamespace(add_callback=self._callbacks.append)),
                session=SimpleNamespace(send=self._send),
                dispatch_control=None,
            ),
            asyncio.new_event_loop(),
            {},
        )

    def _send(self, _stream: object, kind: str, _content: object, *, buffers: list[Any] | None, **_: object) -> None:
        self.sent.append((kind, buffers))

    def run(self) -> None:
        """Let the thread do what it was asked for."""
        while self._callbacks:
            self._callbacks.pop(0)()

    def frames(self) -> list[list[int]]:
        """Return the numbers of the pings in each packet that went out."""
        return [[frame.seq for frame in parse_packet(packet)[1]] for _, packet in self.sent if packet is not None]


@pytest.fixture
def control() -> Iterator[Control]:
    control = Control()
    yield control
    control.road._loop.close()


def ping(number: int) -> list[Any]:
    return encode_packet(b"", [Ping(number)])


def test_small_packets_that_wait_for_one_page_go_as_one(control: Control) -> None:
    page = DirectCarrier(control.road, "a", [])
    for number in range(5):
        page.send(ping(number))
    control.run()
    assert control.frames() == [[0, 1, 2, 3, 4]]


def test_packets_of_several_pages_stay_apart_and_in_order(control: Control) -> None:
    one, other = DirectCarrier(control.road, "a", []), DirectCarrier(control.road, "b", [])
    for number, page in enumerate([one, one, other, one]):
        page.send(ping(number))
    control.run()
    assert control.frames() == [[0, 1], [2], [3]]


def test_what_has_segments_or_would_be_large_goes_by_itself(control: Control) -> None:
    page = DirectCarrier(control.road, "a", [])
    large = [bytes(JOINED)]
    long = [*ping(7), bytes(10)]
    for packet in (ping(0), long, ping(1), ping(2), large):
        page.send(packet)
    control.run()
    assert [packet for _, packet in control.sent] == [ping(0), long, encode_packet(b"", [Ping(1), Ping(2)]), large]


def test_a_close_is_not_overtaken(control: Control) -> None:
    page = DirectCarrier(control.road, "a", [])
    control.road._carriers["a"] = page
    page.send(ping(0))
    page.send(ping(1))
    page.close()
    control.run()
    assert [kind for kind, _ in control.sent] == ["comm_msg", "comm_close"]
