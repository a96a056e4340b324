"""Blobs over a link: handles whose bytes are asked for."""

from __future__ import annotations

import asyncio
import gc
from array import array
from typing import Any

import pytest
from wire.support import Inbox, nothing_runs

from ipfs_comm.errors import InvalidInputError, LinkError, RemoteError
from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import MessageChannel, clone
from ipfs_comm.wire.blob import PortSource, serve

CONTENT = bytes(range(256)) * 20_000


async def received(linked: LinkedPorts, blob: clone.Blob) -> clone.Blob:
    linked.port1.post_message({"blob": blob})
    (message,) = await Inbox(linked.port2).take()
    arrived = message["blob"]
    assert isinstance(arrived, clone.Blob)
    return arrived


async def test_a_file_arrives_as_a_handle_and_is_read_over_its_port() -> None:
    async with linked_ports() as linked:
        file = await received(linked, clone.File(CONTENT, "a.bin", type="application/x", last_modified=1.5))
        assert isinstance(file, clone.File)
        assert (file.name, file.size, file.type, file.last_modified) == ("a.bin", len(CONTENT), "application/x", 1.5)
        assert await file.read(1_000, 1_010) == CONTENT[1_000:1_010]
        assert await file.read() == CONTENT
        assert await file.read(5, 5) == b""


async def test_closing_a_blob_lets_go_of_it_at_both_ends() -> None:
    linked = await linked_ports()
    blob = await received(linked, clone.Blob(b"abc"))
    assert linked.link1.ports_open == 2
    assert await blob.read() == b"abc"
    blob.close()
    with pytest.raises(LinkError) as caught:
        await blob.read()
    assert caught.value.code == "ERR_CLOSED"
    linked.port2.post_message("behind")
    await Inbox(linked.port1).take()
    assert linked.link1.ports_open == 1
    linked.close()
    assert nothing_runs()


async def test_a_blob_that_nobody_holds_is_let_go_of() -> None:
    async with linked_ports() as linked:
        inbox = Inbox(linked.port2)
        linked.port1.post_message(clone.Blob(b"abc"))
        (blob,) = await inbox.take()
        assert await blob.read() == b"abc"
        del blob
        inbox.events.clear()
        gc.collect()
        linked.port2.post_message("behind")
        await Inbox(linked.port1).take()
        assert linked.link1.ports_open == 1


async def test_a_read_fails_with_the_link() -> None:
    linked = await linked_ports()
    blob = await received(linked, clone.Blob(CONTENT))
    other_end = Inbox(linked.port1)
    reading = asyncio.ensure_future(blob.read())
    await asyncio.sleep(0)
    linked.link2.end(LinkError("gone"))  # type: ignore[union-attr]  # the link is open
    with pytest.raises(LinkError, match="gone"):
        await reading
    await other_end.end()
    assert nothing_runs()


class Broken:
    """A source that cannot be read."""

    async def read(self, start: int, end: int) -> bytes:
        raise OSError(f"no bytes {start} to {end}")

    def close(self) -> None:
        """Hold nothing."""


async def test_a_source_that_fails_fails_at_the_reader() -> None:
    async with linked_ports() as linked:
        blob = await received(linked, clone.Blob(Broken(), size=10))
        with pytest.raises(RemoteError, match="no bytes 0 to 10"):
            await blob.read()


@pytest.mark.parametrize("question", [None, [0], [5, 1], ["0", 1], [-1, 1], [0, 1, 2]])
async def test_a_question_that_is_no_range_closes_the_port(question: object) -> None:
    channel = MessageChannel()
    serve(clone.Blob(b"abc").source, channel.port1)
    inbox = Inbox(channel.port2)
    channel.port2.post_message(question)
    await inbox.end()
    assert inbox.events == []


def test_a_source_needs_a_size() -> None:
    with pytest.raises(InvalidInputError, match="size"):
        clone.Blob(Broken())


@pytest.mark.parametrize(("size", "answered"), [(16 << 20, True), ((16 << 20) + 1, False)])
async def test_a_range_has_at_most_16_mib(size: int, answered: bool) -> None:
    channel = MessageChannel()
    serve(clone.Blob(b"abc").source, channel.port1)
    inbox = Inbox(channel.port2)
    channel.port2.post_message([0, size])
    if answered:
        assert await inbox.take() == [b"abc"]
        channel.port2.close()
    else:
        await inbox.end()
        assert inbox.events == []


async def test_a_blob_that_is_passed_on_twice_survives_its_first_reader() -> None:
    async with linked_ports() as first, linked_ports() as second:
        handle = await received(first, clone.Blob(CONTENT))
        inbox = Inbox(second.port2)
        second.port1.post_message(handle)
        second.port1.post_message(handle)
        one, other = await inbox.take(2)
        assert await one.read() == CONTENT
        one.close()
        second.port2.post_message("behind")
        await Inbox(second.port1).take()
        assert await other.read() == CONTENT
        assert await handle.read() == CONTENT


class Uncloneable:
    """A source whose failure, or whose bytes, cannot be sent."""

    def __init__(self, result: object) -> None:
        self.result = result

    async def read(self, start: int, end: int) -> Any:
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def close(self) -> None:
        """Hold nothing."""


def caused_by_an_object() -> Exception:
    return clone.JSError("Error", {"message": "bad disk", "cause": object()})


class MuteError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("result", "says"),
    [(caused_by_an_object(), "bad disk"), (MuteError(), "cannot say why"), (None, "NoneType"), ("text", "string")],
)
async def test_a_source_whose_answer_cannot_be_cloned_still_answers(result: object, says: str) -> None:
    async with linked_ports() as linked:
        blob = await received(linked, clone.Blob(Uncloneable(result), size=10))
        async with asyncio.timeout(10):
            with pytest.raises(RemoteError, match=says):
                await blob.read()
            with pytest.raises(RemoteError, match=says):
                await blob.read(0, 1)


async def test_many_readers_of_one_blob_wait_for_their_turn() -> None:
    async with linked_ports() as linked:
        blob = await received(linked, clone.Blob(CONTENT))
        read = await asyncio.gather(*(blob.source.read(place, place + 10) for place in range(1_000)))
        assert [bytes(data) for data in read] == [CONTENT[place : place + 10] for place in range(1_000)]


async def test_a_source_says_how_much_it_gives_at_once() -> None:
    async with linked_ports() as linked:
        blob = await received(linked, clone.Blob(Broken(), size=1 << 40))
        with pytest.raises(InvalidInputError, match="at most 16777216 bytes"):
            await blob.source.read(0, (16 << 20) + 1)


@pytest.mark.parametrize("answer", [[1.5], "abc", array("d", [1.5]), bytes(11)])
async def test_an_answer_that_is_not_the_bytes_asked_for_is_an_error(answer: object) -> None:
    channel = MessageChannel()
    channel.port1.onmessage = lambda _: channel.port1.post_message(answer)
    with pytest.raises(RemoteError, match="gave others, or none"):
        await PortSource(channel.port2).read(0, 10)


async def test_a_reader_with_too_many_questions_is_closed() -> None:
    channel = MessageChannel()
    serve(Waiting(), channel.port1)
    inbox = Inbox(channel.port2)
    for _ in range(66):
        channel.port2.post_message([0, 1])
    await inbox.end()
    assert inbox.events == []


class Waiting:
    """A source that never gives anything."""

    async def read(self, start: int, end: int) -> bytes:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it never has a result

    def close(self) -> None:
        """Hold nothing."""
