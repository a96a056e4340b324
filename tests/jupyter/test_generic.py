"""A kernel of which no more is known than the `comm` package, on one thread: what xeus-python and pyodide are to us."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import comm
import pytest
from comm.base_comm import BaseComm, CommManager
from IPython.core.interactiveshell import InteractiveShell
from kernel_support import LIMIT, TARGET

from ipfs_comm import extension
from ipfs_comm.errors import LinkError
from ipfs_comm.kernel.runtime import Runtime
from ipfs_comm.rpc import IPFSClient
from ipfs_comm.wire import Carrier, Link
from ipfs_comm.wire.carriers.generic import CommTarget
from ipfs_comm.wire.frame import Hello, encode_packet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Frontend:
    """The other end of a kernel's comms, in the same process; it keeps what the kernel says."""

    def __init__(self) -> None:
        self.manager = CommManager()
        self.pages: dict[str, PageCarrier] = {}
        self.said: list[dict[str, Any]] = []
        self.number = 0

    def create_comm(self, *arguments: Any, **options: Any) -> BaseComm:
        front = self

        class KernelComm(BaseComm):
            """A comm as such a kernel implements it: it hears and says nothing but plain bytes."""

            def publish_msg(
                self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
            ) -> None:
                assert all(type(buffer) is bytes for buffer in buffers or ())
                message = {"msg_type": msg_type, "comm_id": self.comm_id, "data": data or {}, "buffers": buffers or []}
                front.said.append(message)
                asyncio.get_running_loop().call_soon(front.heard, message)

        return KernelComm(*arguments, **options)

    def heard(self, message: dict[str, Any]) -> None:
        page = self.pages.get(message["comm_id"])
        if page is not None:
            page.heard(message)

    def say(self, kind: str, comm_id: str, data: dict[str, Any], buffers: Sequence[Any] = (), **more: Any) -> None:
        content = {"comm_id": comm_id, "data": data, **more}
        message = {"content": content, "buffers": [memoryview(bytes(buffer)) for buffer in buffers]}
        getattr(self.manager, kind)(None, "", message)


class PageCarrier(Carrier):
    """The page's end of one such comm."""

    name = "comm"
    tells_close = True
    max_frames = 64

    def __init__(self, front: Frontend) -> None:
        front.number += 1
        self.comm_id = f"comm-{front.number}"
        self._front = front
        self._opened = False
        self._receive: Any = None
        self._closed: Any = None

    def start(self, receive: Any, closed: Any) -> None:
        self._receive, self._closed = receive, closed
        self._front.pages[self.comm_id] = self

    def send(self, packet: Sequence[Any]) -> None:
        if self._opened:
            self._front.say("comm_msg", self.comm_id, {}, packet)
        else:
            self._opened = True
            self._front.say("comm_open", self.comm_id, {"ipfs_comm": 1}, packet, target_name=TARGET)

    def close(self) -> None:
        if self._front.pages.pop(self.comm_id, None) is not None and self.comm_id in self._front.manager.comms:
            self._front.say("comm_close", self.comm_id, {})

    def heard(self, message: dict[str, Any]) -> None:
        if message["msg_type"] == "comm_close":
            self._front.pages.pop(self.comm_id, None)
            self._closed(LinkError("the kernel closed the comm"))
        else:
            self._receive([memoryview(buffer) for buffer in message["buffers"]])


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Frontend:
    front = Frontend()
    monkeypatch.setattr(comm, "create_comm", front.create_comm)
    monkeypatch.setattr(comm, "get_comm_manager", lambda: front.manager)
    return front


@pytest.fixture
def shell(front: Frontend, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell without threads in which the extension is loaded; like a kernel's it runs beneath a loop."""
    monkeypatch.setenv("IPFS_COMM_REPO", ":memory:")
    monkeypatch.setattr(extension, "Runtime", lambda: Runtime(threads=False))
    shell = InteractiveShell()
    yield shell
    shell.history_manager.end_session()


async def test_a_page_is_served_on_the_only_loop_there_is(front: Frontend, shell: InteractiveShell) -> None:
    extension.load_ipython_extension(shell)
    try:
        assert "generic" in extension.loaded().describe()
        link = await Link.open(PageCarrier(front), service="ipfs", timeout=LIMIT)
        client = IPFSClient.from_port(link.port)
        content = bytes(range(256)) * 4_000
        added = await client.add(content)
        assert await client.cat(added.cid) == content
        assert await shell.user_ns["ipfs"].cat(added.cid) == content
    finally:
        extension.unload_ipython_extension(shell)
    error = await asyncio.wait_for(asyncio.shield(link.ended), LIMIT)
    assert error.code == "ERR_CLOSED"
    assert (front.manager.comms, front.manager.targets) == ({}, {})
    assert TARGET not in shell.user_ns


async def test_what_the_kernel_has_said_opens_and_says_nothing_when_it_is_sent_back(
    front: Frontend, shell: InteractiveShell
) -> None:
    extension.load_ipython_extension(shell)
    try:
        link = await Link.open(PageCarrier(front), service="ipfs", timeout=LIMIT)
        forged = encode_packet(b"?" * 32, [Hello({**link.offer.info(), "link": "A" * 22})])
        for message in [message for message in front.said if message["msg_type"] == "comm_msg"]:
            front.say("comm_msg", message["comm_id"], message["data"], forged)
        assert (await IPFSClient.from_port(link.port).add(b"x")).size > 0
        assert len(extension.loaded()._acceptors["ipfs_comm"].links) == 1
        assert all(message["data"] == {"to": "page"} for message in front.said if message["msg_type"] == "comm_msg")
        link.end()
    finally:
        extension.unload_ipython_extension(shell)
    await asyncio.wait_for(asyncio.shield(link.ended), LIMIT)


def test_without_a_kernel_there_is_nothing_to_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", comm._create_comm)
    assert not CommTarget.available()
    monkeypatch.setattr(comm, "create_comm", Frontend().create_comm)
    assert CommTarget.available()
