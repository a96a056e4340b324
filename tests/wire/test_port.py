"""Ports in one process; what the conformance scenarios do not say."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from wire.support import Inbox, nothing_runs

from ipfs_comm.errors import DataCloneError, InvalidInputError, LinkError
from ipfs_comm.wire import MessageChannel, MessageEvent, MessagePort, clone
from ipfs_comm.wire.entanglement import close_reason
from ipfs_comm.wire.port import splice

if TYPE_CHECKING:
    from collections.abc import Sequence


async def test_messages_wait_until_the_port_is_started() -> None:
    channel = MessageChannel()
    channel.port1.post_message("early")
    seen: list[Any] = []
    channel.port2.add_event_listener("message", lambda event: seen.append(event.data))
    for _ in range(5):
        await asyncio.sleep(0)
    assert seen == []
    inbox = Inbox(channel.port2)
    assert await inbox.take() == ["early"]
    assert seen == ["early"]


async def test_a_removed_listener_hears_nothing() -> None:
    channel = MessageChannel()
    seen: list[MessageEvent] = []
    channel.port2.add_event_listener("message", seen.append)
    channel.port2.remove_event_listener("message", seen.append)
    inbox = Inbox(channel.port2)
    channel.port1.post_message(1)
    await inbox.take()
    assert seen == []


async def test_a_listener_that_fails_is_reported_and_stops_nothing() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    channel = MessageChannel()
    channel.port2.add_event_listener("message", lambda _: 1 / 0)
    inbox = Inbox(channel.port2)
    channel.port1.post_message(1)
    channel.port1.post_message(2)
    assert await inbox.take(2) == [1, 2]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError, ZeroDivisionError]


async def test_an_interceptor_that_fails_is_reported_and_stops_nothing() -> None:
    class FailsOnce:
        failed = False

        def outgoing(self, message: Any, transfer: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
            return message, transfer

        def incoming(self, event: MessageEvent) -> MessageEvent | None:
            if not self.failed:
                self.failed = True
                raise ValueError("no")
            return event

    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    channel, carried = MessageChannel(), MessageChannel()
    channel.port2.interceptor = FailsOnce()
    channel.port1.post_message(1, [carried.port1])
    channel.port1.post_message(2)
    assert await Inbox(channel.port2).take() == [2]
    assert [type(context["exception"]) for context in reported] == [ValueError]
    assert carried.port2.closed


async def test_the_other_end_hears_of_a_close_after_everything_sent_before() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)
    channel.port1.post_message("last")
    channel.port1.close()
    closing = await inbox.end()
    assert [event.data for event in inbox.events] == ["last"]
    assert closing.type == "close"
    assert closing.error is None
    assert channel.port2.closed


async def test_a_port_that_was_never_started_knows_that_the_other_end_closed() -> None:
    channel = MessageChannel()
    heard: asyncio.Future[MessageEvent] = asyncio.get_running_loop().create_future()
    channel.port1.close()
    assert channel.port2.closed
    channel.port2.onclose = heard.set_result
    assert (await heard).target is channel.port2


async def test_posting_on_a_closed_port_does_nothing_but_close_what_it_carries() -> None:
    channel, carried = MessageChannel(), MessageChannel()
    channel.port1.close()
    channel.port1.post_message({"port": carried.port1}, [carried.port1])
    assert carried.port2.closed


async def test_ports_in_messages_that_nobody_reads_are_closed() -> None:
    channel, carried = MessageChannel(), MessageChannel()
    channel.port1.post_message(None, [carried.port1])
    assert not carried.port2.closed
    channel.port2.close()
    assert carried.port2.closed


async def test_a_port_whose_other_end_is_gone_can_be_transferred() -> None:
    channel, carried = MessageChannel(), MessageChannel()
    carried.port1.post_message("last words")
    carried.port1.close()
    inbox = Inbox(channel.port2)
    channel.port1.post_message(None, [carried.port2])
    received = Inbox((await inbox.event()).ports[0])
    await received.end()
    assert [event.data for event in received.events] == ["last words"]


@pytest.mark.parametrize("item", [5, "text", {}, None])
async def test_what_cannot_be_transferred_is_refused(item: Any) -> None:
    with pytest.raises(DataCloneError, match="cannot be transferred"):
        MessageChannel().port1.post_message(None, [item])


async def test_a_message_is_a_copy() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)
    message = {"list": [1], "bytes": bytearray(b"a")}
    channel.port1.post_message(message)
    message["list"].append(2)
    message["bytes"][0] = 0
    assert await inbox.take() == [{"list": [1], "bytes": b"a"}]


async def test_a_refused_message_sends_nothing_and_detaches_nothing() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)
    buffer = clone.ArrayBuffer(b"abc")
    with pytest.raises(DataCloneError):
        channel.port1.post_message([buffer, object()], [buffer])
    assert not buffer.detached
    channel.port1.post_message("next")
    assert await inbox.take() == ["next"]


async def test_a_port_is_started_on_a_running_loop_only() -> None:
    channel = MessageChannel()
    with pytest.raises(InvalidInputError, match="running event loop"):
        await asyncio.to_thread(channel.port2.start)


async def test_posts_from_many_threads_all_arrive_each_thread_in_order() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)

    def post(name: int) -> None:
        for number in range(500):
            channel.port1.post_message([name, number])

    threads = [threading.Thread(target=post, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    got = await inbox.take(2000)
    for thread in threads:
        thread.join()
    for name in range(4):
        assert [number for who, number in got if who == name] == list(range(500))


async def test_listeners_run_on_the_loop_that_started_the_port() -> None:
    channel = MessageChannel()
    heard = asyncio.get_running_loop().create_future()
    channel.port2.onmessage = lambda _: heard.set_result(threading.get_ident())
    await asyncio.to_thread(channel.port1.post_message, "hello")
    assert await heard == threading.get_ident()


async def test_a_port_can_be_transferred_while_messages_pour_in() -> None:
    channel, poured = MessageChannel(), MessageChannel()
    inbox = Inbox(channel.port2)
    thread = threading.Thread(target=lambda: [poured.port1.post_message(number) for number in range(3000)])
    thread.start()
    channel.port1.post_message(None, [poured.port2])
    received = Inbox((await inbox.event()).ports[0])
    assert await received.take(3000) == list(range(3000))
    thread.join()


class Doubling:
    """An interceptor that doubles numbers on their way out and hides texts on their way in."""

    def outgoing(self, message: Any, transfer: Any) -> tuple[Any, Any]:
        return (message * 2 if isinstance(message, int) else message), transfer

    def incoming(self, event: MessageEvent) -> MessageEvent | None:
        return None if isinstance(event.data, str) else event


async def test_an_interceptor_sees_and_changes_what_passes() -> None:
    channel = MessageChannel()
    channel.port1.interceptor = Doubling()
    channel.port2.interceptor = Doubling()
    inbox = Inbox(channel.port2)
    for message in (1, "hidden", 2):
        channel.port1.post_message(message)
    assert await inbox.take(2) == [2, 4]


async def test_splicing_joins_what_is_behind_two_ports() -> None:
    one, other = MessageChannel(), MessageChannel()
    one.port1.post_message("to the right")
    other.port1.post_message("to the left")
    splice(one.port2, other.port2)
    left, right = Inbox(one.port1), Inbox(other.port1)
    one.port1.post_message("later")
    assert await right.take(2) == ["to the right", "later"]
    assert await left.take() == ["to the left"]
    one.port1.close()
    await right.end()


async def test_splicing_a_closed_port_passes_the_close_on() -> None:
    one, other = MessageChannel(), MessageChannel()
    one.port1.post_message("last")
    one.port1.close()
    splice(one.port2, other.port2)
    right = Inbox(other.port1)
    await right.end()
    assert [event.data for event in right.events] == ["last"]


async def test_a_blob_stays_in_the_process_and_can_be_read() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)
    channel.port1.post_message(clone.File(b"content", "a.txt", type="text/plain", last_modified=5))
    (file,) = await inbox.take()
    assert isinstance(file, clone.File)
    assert (file.name, file.type, file.size, file.last_modified) == ("a.txt", "text/plain", 7, 5)
    assert await file.read() == b"content"
    assert await file.read(3, 5) == b"te"
    assert nothing_runs()


def test_a_link_that_ended_in_order_is_no_error_to_its_ports() -> None:
    assert close_reason(LinkError("done", code="ERR_CLOSED")) is None
    gone = LinkError("gone")
    assert close_reason(gone) is gone


def test_a_port_can_be_made_and_written_to_without_a_loop() -> None:
    channel = MessageChannel()
    channel.port1.post_message("waits")

    async def read() -> list[Any]:
        return await Inbox(channel.port2).take()

    assert asyncio.run(read()) == ["waits"]
    assert isinstance(channel.port1, MessagePort)
