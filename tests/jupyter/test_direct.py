"""The control channel: heard in mid-cell, answered to one client, given back as it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.session import Session
from kernel_support import LIMIT, Kernel, Page, PageCarrier

from ipfs_comm.rpc import IPFSClient
from ipfs_comm.wire import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.kernel, pytest.mark.asyncio(loop_scope="module")]

#: Text of the control stream's receiver, by which a hook is seen.
RECEIVER = "repr(get_ipython().kernel.control_stream._recv_callback), get_ipython().kernel.control_stream._recv_copy"


async def test_a_page_connects_and_is_served_while_a_cell_sleeps(loaded: Page) -> None:
    await loaded.run("cid = (await ipfs.add(b'hello')).cid")
    busy = loaded.execute("import time; time.sleep(1.5)")
    await busy.output(lambda m: m["content"].get("execution_state") == "busy")
    link = await loaded.open()
    client = IPFSClient.from_port(link.port)
    assert await client.cat("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX") == b"hello"
    assert not busy.done.done()
    await busy.reply()


async def test_answers_go_to_the_client_that_asked_and_to_no_other(loaded: Page, kernel: Kernel) -> None:
    other = await kernel.page()
    mine, theirs = IPFSClient.from_port((await loaded.open()).port), IPFSClient.from_port((await other.open()).port)
    added = await mine.add(bytes(1_000_000))
    assert len(await theirs.cat(added.cid)) == 1_000_000
    assert [m["content"]["comm_id"] for m in other.strangers if m["content"]["comm_id"] in loaded.comms] == []
    assert loaded.strangers == [] or {m["content"]["comm_id"] for m in loaded.strangers} == {"ipfs_comm-activity"}


async def test_a_message_of_a_comm_from_another_client_is_not_heard(loaded: Page, kernel: Kernel) -> None:
    other = await kernel.page()
    link = await loaded.open()
    [comm_id] = loaded.comms
    stolen = PageCarrier(other, "direct")
    stolen.comm_id, stolen._opened = comm_id, True
    stolen.start(lambda _packet: None, lambda _error: None)
    stolen.close()
    added = await IPFSClient.from_port(link.port).add(b"still here")
    assert added.size > 0
    assert link.error is None


async def replayed(page: Page, session: Session) -> int:
    """Open a link, send its first message again as `session` signs it, and return how many packets answer that."""
    frames: list[bytes] = []
    carrier, send = PageCarrier(page, "direct"), page.send

    def capture(
        channel: str,
        kind: str,
        content: dict[str, Any],
        buffers: Sequence[bytes] = (),
        subshell: str | None = None,
    ) -> str:
        assert (channel, subshell) == ("control", None)
        message = page.client.session.msg(kind, content)
        page.send_frames("control", [*page.client.session.serialize(message), *buffers])
        frames[:] = [*session.serialize(message), *buffers]
        return str(message["header"]["msg_id"])

    page.send = capture  # type: ignore[method-assign]  # to see the frames that leave
    link = Link.begin(carrier)
    page.send = send  # type: ignore[method-assign]  # as above
    assert await asyncio.wait_for(link.opened, LIMIT)
    before = carrier.packets
    page.send_frames("control", frames)
    # What comes after it on the same road has been answered; it would have been before.
    await page.open()
    return carrier.packets - before


async def test_a_signed_message_that_was_captured_is_not_heard_a_second_time(loaded: Page) -> None:
    assert await replayed(loaded, loaded.client.session) == 0


async def test_a_message_that_another_key_has_signed_is_not_heard(loaded: Page) -> None:
    assert await replayed(loaded, Session(key=b"not the kernel's")) == 0


async def test_a_link_that_is_closed_leaves_no_trace_in_the_log(
    loaded: Page, capfd: pytest.CaptureFixture[str]
) -> None:
    (await loaded.open()).end()
    await loaded.open()
    await loaded.request("control", "kernel_info_request")
    assert "UNKNOWN CONTROL MESSAGE" not in capfd.readouterr().err


async def test_other_control_messages_are_answered_as_before(loaded: Page) -> None:
    await loaded.open()
    reply = await loaded.request("control", "kernel_info_request")
    assert reply["status"] == "ok"


async def test_unload_gives_back_the_stream_the_names_and_the_thread(page: Page) -> None:
    state = f"print({RECEIVER}, 'ipfs' in globals(), 'ipfs' in get_ipython().magics_manager.magics['line'])"
    threads = "import threading; print(sorted(t.name for t in threading.enumerate()))"
    before, threads_before = (await page.run(state)).text(), (await page.run(threads)).text()
    await page.run("%load_ext ipfs_comm")
    assert (await page.run(state)).text() != before
    link = await page.open()
    await page.run("%unload_ext ipfs_comm")
    assert (await page.run(state)).text() == before
    assert (await page.run(threads)).text() == threads_before
    error = await asyncio.wait_for(asyncio.shield(link.ended), LIMIT)
    assert error.code == "ERR_CLOSED"


async def test_unload_and_load_again_serve_a_new_link(loaded: Page) -> None:
    await loaded.open()
    await loaded.run("%unload_ext ipfs_comm\n%load_ext ipfs_comm")
    added = await IPFSClient.from_port((await loaded.open()).port).add(b"again")
    assert str(added.cid).startswith("Qm")


async def test_a_closed_comm_ends_its_link_in_the_kernel(loaded: Page) -> None:
    link = await loaded.open()
    count = (
        "ext = __import__('ipfs_comm').extension._loaded[get_ipython()]; print(len(ext._acceptors['ipfs_comm'].links))"
    )
    assert (await loaded.run(count)).text() == "1\n"
    # What nothing was said on yet might be an attempt that lost against another carrier.
    await IPFSClient.from_port(link.port).add(b"said")
    [carrier] = loaded.comms.values()
    carrier.close()
    async with asyncio.timeout(LIMIT):
        while (await loaded.run(count)).text() != "0\n":
            continue
    assert link.port is not None
