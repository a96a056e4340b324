"""What somebody on the same host can do who has the ports and hears iopub, and has not the kernel's key."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from intruder_support import Intruder
from kernel_support import LIMIT, Kernel, Page, PageCarrier

from ipfs_comm.wire import Link
from ipfs_comm.wire.frame import Data, Hello, encode_packet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

#: A service that keeps what it hears, one that pours out more than anybody asked for, and one that never ends.
SERVICES = """
%load_ext ipfs_comm
import asyncio, threading
from ipfs_comm.extension import loaded
from ipfs_comm.wire import MessagePort
heard, ended, over = [], [], threading.Event()
def note(link):
    def end(error):
        ended.append(error.code)
        over.set()
    link.onend = end
def hear(link, port, params):
    note(link)
    def take(event):
        heard.append(event.data)
        port.post_message(len(heard))
    port.onmessage = take
def pour(link, port, params):
    note(link)
    piece = bytes(2**20)
    for _ in range(params["pieces"]):
        port.post_message(piece)
def flow(link, port, params):
    note(link)
    loop, piece = asyncio.get_running_loop(), bytes(2**20)
    def more():
        if not ended:
            port.post_message(piece)
            loop.call_later(0.02, more)
    more()
"""

REGISTER = "loaded()._acceptors['ipfs_comm'].services.update(hear=hear, pour=pour, flow=flow)"


@pytest_asyncio.fixture(loop_scope="module")
async def serving(page: Page) -> Page:
    """A client of a kernel that has the services above."""
    await page.run(SERVICES)
    (await page.open()).end()
    await page.run(REGISTER)
    return page


@pytest_asyncio.fixture(loop_scope="module")
async def intruder(kernel: Kernel) -> AsyncIterator[Intruder]:
    """Somebody else."""
    async with Intruder(kernel) as somebody:
        yield somebody


def forged(link: Link) -> list[Sequence[Any]]:
    """Return packets that somebody might make who knows the protocol and a link's name, and not its token."""
    token = b"?" * 32
    asking = {**link.offer.info(), "service": "hear"}
    meta = b'["forged",[],[],[]]'
    message = len(meta).to_bytes(4, "little") + meta
    return [
        encode_packet(token, [Hello(asking)]),
        encode_packet(token, [Hello({**asking, "resume": True})]),
        encode_packet(token, [Hello({**asking, "link": "A" * 22})]),
        *(encode_packet(token, [Data(seq, 0, True, True, [message], len(message))]) for seq in (1, 2, 3)),
        encode_packet(b"", [Hello(asking)]),
        [b"\xc9"],
        [b""],
    ]


async def said(link: Link, message: str) -> int:
    """Post a message to the service that hears, and return how many it has heard since."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    link.port.onmessage = lambda event: answer.set_result(event.data)
    link.port.post_message(message)
    return await asyncio.wait_for(answer, LIMIT)


async def links(page: Page) -> int:
    return int((await page.run("print(len(loaded()._acceptors['ipfs_comm'].links))")).text())


@pytest.mark.parametrize("channel", ["shell", "control"])
async def test_a_captured_message_with_other_buffers_injects_nothing(
    serving: Page, intruder: Intruder, channel: str
) -> None:
    link = await serving.open("hear", carrier="comm")
    other = await serving.open("hear")
    for number, packet in enumerate(forged(link)):
        assert await said(link, "mine") == number + 1
        signed = await intruder.packet_of(list(serving.comms))
        await intruder.send(channel, signed, [bytes(buffer) for buffer in packet], uuid.uuid4().bytes)
        await intruder.seen_by_the_kernel(signed)
    assert await said(other, "also mine") == len(forged(link)) + 1
    assert (await serving.run("print(sorted(set(heard)), ended[1:])")).text() == "['also mine', 'mine'] []\n"
    assert await links(serving) == 2
    assert link.error is None


async def test_a_message_of_the_page_that_was_captured_is_not_heard_twice_even_when_its_signature_is_forgotten(
    serving: Page, intruder: Intruder
) -> None:
    frames: list[list[bytes]] = []
    send_frames = serving.send_frames

    def capture(channel: str, sent: Sequence[bytes]) -> None:
        if channel == "control":
            frames.append(list(sent))
        send_frames(channel, sent)

    serving.send_frames = capture  # type: ignore[method-assign]  # to see the frames that leave
    link = await serving.open("hear")
    assert await said(link, "once") == 1
    serving.send_frames = send_frames  # type: ignore[method-assign]  # as above
    await serving.run("get_ipython().kernel.session.digest_history.clear()")
    for sent in frames:
        await intruder.send("control", sent[1:6], sent[6:], uuid.uuid4().bytes)
        send_frames("control", sent)
    assert await said(link, "twice") == 2
    link.end()
    async with asyncio.timeout(LIMIT):
        while await links(serving):
            continue
    await serving.run("get_ipython().kernel.session.digest_history.clear()")
    for sent in frames:
        send_frames("control", sent)
    await serving.open("hear")
    assert await links(serving) == 1
    assert (await serving.run("print(heard)")).text() == "['once', 'twice']\n"


async def test_whoever_takes_a_pages_identity_ends_that_link_and_is_told_next_to_nothing(
    serving: Page, kernel: Kernel, intruder: Intruder
) -> None:
    neighbour = await kernel.page()
    kept = await neighbour.open("hear")
    await serving.run("over.clear(); del ended[:]")
    link = await serving.open("flow")
    flowing = asyncio.Event()
    link.port.onmessage = lambda _event: flowing.set()
    await asyncio.wait_for(flowing.wait(), LIMIT)
    with intruder.pretend("control", serving.client.session.bsession) as thief:
        over = serving.execute("print(over.wait(60), ended)")
        stolen: list[list[bytes]] = []
        reading = asyncio.create_task(_read(thief, stolen))
        assert (await over.reply())["status"] == "ok"
        await serving.run("pass")
        assert over.text() == "True ['ERR_DENIED']\n"
        assert sum(len(frame) for frames in stolen for frame in frames) < 4 * 2**20
        # What was signed for the page cannot be sent back.
        for frames in stolen:
            signed = frames[frames.index(b"<IDS|MSG>") + 1 :][:5]
            for packet in forged(link)[:3]:
                await thief.send_multipart([b"<IDS|MSG>", *signed, *(bytes(buffer) for buffer in packet)])
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await said(kept, "still here") == 1
    assert await links(serving) == 1
    assert (await serving.run("print(heard)")).text() == "['still here']\n"


async def _read(socket: Any, into: list[list[bytes]]) -> None:
    while True:
        into.append(await socket.recv_multipart())


async def test_clients_that_come_while_a_stream_runs_take_nothing_from_it(serving: Page, kernel: Kernel) -> None:
    link = await serving.open("pour", {"pieces": 100})
    sizes: list[int] = []
    whole = asyncio.Event()

    def take(event: Any) -> None:
        sizes.append(len(event.data))
        if len(sizes) == 100:
            whole.set()

    link.port.onmessage = take
    for _ in range(3):
        await (await kernel.page()).request("control", "kernel_info_request")
    await asyncio.wait_for(whole.wait(), LIMIT)
    assert set(sizes) == {2**20}
    assert link.error is None


async def test_a_page_that_is_in_doubt_is_told_as_soon_as_it_is_heard(serving: Page, kernel: Kernel) -> None:
    link = await serving.open("hear")
    for number in range(3):
        await (await kernel.page()).request("control", "kernel_info_request")
        assert await said(link, "idle until now") == number + 1


async def test_an_opening_by_somebody_without_the_key_opens_nothing(serving: Page, intruder: Intruder) -> None:
    signed = [b"0" * 64, b'{"msg_type": "comm_open", "msg_id": "1"}', b"{}", b"{}"]
    content = b'{"comm_id": "mine", "target_name": "ipfs_comm", "data": {}}'
    hello = encode_packet(b"?" * 32, [Hello({"versions": [1], "link": "B" * 22})])
    for channel in ("control", "shell"):
        await intruder.send(channel, [*signed, content], [bytes(part) for part in hello], uuid.uuid4().bytes)
    carrier = PageCarrier(serving, "direct")
    assert (await Link.open(carrier, service="hear", timeout=LIMIT)).error is None
    assert await links(serving) == 1
