"""Real kernels, and pages in Python that talk to them as JupyterLab's would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from ipfs_comm.errors import LinkError
from ipfs_comm.wire import Carrier, Link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from jupyter_client.asynchronous.client import AsyncKernelClient

ROOT = Path(__file__).resolve().parent.parent
TARGET = "ipfs_comm"
CELL = "application/vnd.ipfs-comm.cell+json"
VIEW = "application/vnd.jupyter.widget-view+json"
#: Seconds that anything here may take; a machine under load is slow, and nothing waits this long in order.
LIMIT = 30.0


def interpreters() -> list[str]:
    """Return the interpreters whose kernels are tested: this one, and those of ``IPFS_COMM_KERNEL_PYTHONS``."""
    more = os.environ.get("IPFS_COMM_KERNEL_PYTHONS", "")
    return [sys.executable, *(path for path in more.split(os.pathsep) if path)]


class PageCarrier(Carrier):
    """The page's end of a comm, on one of the channels of a client."""

    tells_close = True

    def __init__(self, page: Page, name: str) -> None:
        self.name = name
        self.max_frames = 256 if name == "direct" else 64
        self.target = TARGET
        self.comm_id = uuid.uuid4().hex
        self.packets = 0
        #: Messages that the kernel says its packets belong to.
        self.parents: set[str] = set()
        #: Where the kernel shall handle what is said here.
        self.subshell: str | None = None
        self._page = page
        self._opened = False
        self._receive: Callable[[Sequence[Any]], None] | None = None
        self._closed: Callable[[Exception | None], None] | None = None

    def start(self, receive: Any, closed: Any) -> None:
        self._receive, self._closed = receive, closed
        self._page.comms[self.comm_id] = self

    def send(self, packet: Sequence[Any]) -> None:
        kind, content = "comm_msg", {"comm_id": self.comm_id, "data": {}}
        if not self._opened:
            self._opened = True
            kind = "comm_open"
            content = {"comm_id": self.comm_id, "target_name": self.target, "data": {"ipfs_comm": 1}}
        self._page.send(self.channel, kind, content, [bytes(buffer) for buffer in packet], self.subshell)

    def close(self) -> None:
        if self._page.comms.pop(self.comm_id, None) is not None:
            self._page.send(self.channel, "comm_close", {"comm_id": self.comm_id, "data": {}}, [], self.subshell)

    @property
    def channel(self) -> str:
        return "control" if self.name == "direct" else "shell"

    def heard(self, message: dict[str, Any]) -> None:
        if message["msg_type"] == "comm_close":
            self._page.comms.pop(self.comm_id, None)
            if self._closed is not None:
                self._closed(LinkError("the kernel closed the comm", code="ERR_CARRIER"))
        elif self._receive is not None:
            self.packets += 1
            self.parents.add(message["parent_header"].get("msg_id", ""))
            self._receive([memoryview(buffer) for buffer in message["buffers"]])


class ModelCarrier(PageCarrier):
    """The page's end of a widget model."""

    tells_close = False

    def __init__(self, page: Page, model_id: str) -> None:
        super().__init__(page, "widget")
        self.comm_id = model_id

    def send(self, packet: Sequence[Any]) -> None:
        content = {"comm_id": self.comm_id, "data": {"method": "custom", "content": {"ipfs_comm": 1}}}
        self._page.send("shell", "comm_msg", content, [bytes(buffer) for buffer in packet])

    def close(self) -> None:
        self._page.comms.pop(self.comm_id, None)

    def heard(self, message: dict[str, Any]) -> None:
        if message["msg_type"] == "comm_close" or message["content"]["data"].get("method") == "custom":
            super().heard(message)


@dataclass
class Execution:
    """What became of one execute_request."""

    msg_id: str
    done: asyncio.Future[dict[str, Any]]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, message: dict[str, Any]) -> None:
        self.outputs.append(message)
        self._news.set()

    async def reply(self) -> dict[str, Any]:
        """Wait for the end of the cell and return the reply's content."""
        return await asyncio.wait_for(asyncio.shield(self.done), LIMIT)

    async def output(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for the first output that fits, and return its content."""
        async with asyncio.timeout(LIMIT):
            while True:
                self._news.clear()
                for message in self.outputs:
                    if fits(message):
                        return message["content"]
                await self._news.wait()

    async def cell(self, state: str = "waiting") -> dict[str, Any]:
        """Wait for the output of a ``%%ipfs_js`` cell in `state`, and return its bundle."""
        content = await self.output(
            lambda message: message["content"].get("data", {}).get(CELL, {}).get("state") == state
        )
        return content["data"]

    def text(self) -> str:
        """Return what was printed."""
        return "".join(m["content"]["text"] for m in self.outputs if m["msg_type"] == "stream")

    def result(self) -> Any:
        """Return the text of the cell's result; None if it has none."""
        for message in self.outputs:
            if message["msg_type"] == "execute_result":
                return message["content"]["data"]["text/plain"]
        return None


class Page:
    """One client of a kernel, with its own identity."""

    def __init__(self, client: AsyncKernelClient) -> None:
        self.client = client
        self.comms: dict[str, PageCarrier] = {}
        self.executions: dict[str, Execution] = {}
        self.strangers: list[dict[str, Any]] = []
        #: What anything has printed, a thread that no cell waits for included.
        self.printed = ""
        self.news = asyncio.Event()
        #: What the debugger has said.
        self.debugger: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._displays: dict[str, Execution] = {}
        self._sending: set[asyncio.Future[Any]] = set()
        self._links: list[Link] = []
        self._requests: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=LIMIT)
        readers = {
            "control": self.client.get_control_msg,
            "iopub": self.client.get_iopub_msg,
            "shell": self.client.get_shell_msg,
        }
        self._tasks = [asyncio.create_task(self._read(channel, read)) for channel, read in readers.items()]

    async def stop(self) -> None:
        for link in self._links:
            link.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.client.stop_channels()

    def send(
        self,
        channel: str,
        kind: str,
        content: dict[str, Any],
        buffers: Sequence[bytes] = (),
        subshell: str | None = None,
    ) -> str:
        message = self.client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.send_frames(channel, [*self.client.session.serialize(message), *buffers])
        return str(message["header"]["msg_id"])

    def send_frames(self, channel: str, frames: Sequence[bytes]) -> None:
        """Send a message as it is.

        Through the socket of the event loop: jupyter_client's own way around it can swallow the sign that there is
        something to read.
        """
        sending = getattr(self.client, f"{channel}_channel").socket.send_multipart(frames)
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    def execute(self, code: str, *, allow_stdin: bool = False) -> Execution:
        """Send a cell, and return at once."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "allow_stdin": allow_stdin,
            "stop_on_error": False,
        }
        msg_id = self.send("shell", "execute_request", {**content, "user_expressions": {}})
        execution = Execution(msg_id, asyncio.get_running_loop().create_future())
        self.executions[msg_id] = execution
        return execution

    async def run(self, code: str) -> Execution:
        """Run a cell that must end well."""
        execution = self.execute(code)
        reply = await execution.reply()
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", [])) + execution.text()
        # The reply may overtake what the cell has printed; its idle status does not.
        await execution.output(lambda m: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle")
        return execution

    async def request(self, channel: str, kind: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request that has a reply, and return the reply's content."""
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._requests[self.send(channel, kind, content or {})] = reply
        return await asyncio.wait_for(reply, LIMIT)

    async def open(
        self,
        service: str = "ipfs",
        params: dict[str, Any] | None = None,
        carrier: str = "direct",
        subshell: str | None = None,
        target: str = TARGET,
    ) -> Link:
        """Open a link over the control channel or an ordinary comm."""
        made = PageCarrier(self, carrier)
        made.target = target
        made.subshell = subshell
        return await self._opened(made, service, params or {})

    async def open_model(self, model_id: str, service: str, params: dict[str, Any]) -> Link:
        """Open a link over the messages of a widget."""
        return await self._opened(ModelCarrier(self, model_id), service, params)

    async def _opened(self, carrier: PageCarrier, service: str, params: dict[str, Any]) -> Link:
        link = await Link.open(carrier, service=service, params=params, timeout=LIMIT)
        self._links.append(link)
        return link

    async def _read(self, channel: str, read: Callable[..., Any]) -> None:
        while True:
            self.heard(channel, await read(timeout=None))

    def heard(self, channel: str, message: dict[str, Any]) -> None:
        """Give a message of the kernel to whoever waits for it."""
        kind, content = message["msg_type"], message["content"]
        parent_id = message["parent_header"].get("msg_id", "")
        comm = self.comms.get(content.get("comm_id", "")) if kind.startswith("comm_") else None
        if comm is not None and (channel == "control") == (comm.channel == "control"):
            comm.heard(message)
            return
        if channel == "iopub" and kind.startswith("comm_"):
            self.strangers.append(message)
        if kind == "stream":
            self.printed += content["text"]
            self.news.set()
        if kind == "debug_event":
            self.debugger.put_nowait(content)
        request = self._requests.pop(parent_id, None) if channel != "iopub" else None
        if request is not None:
            request.set_result(content)
            return
        parent = self.executions.get(parent_id)
        display = content.get("transient", {}).get("display_id") if channel == "iopub" else None
        if display is not None:
            parent = self._displays.setdefault(display, parent) if parent is not None else self._displays.get(display)
        if parent is None:
            return
        if channel == "iopub":
            parent.hear(message)
        elif kind == "execute_reply" and not parent.done.done():
            parent.done.set_result(content)


class Kernel:
    """A running kernel."""

    def __init__(self, manager: AsyncKernelManager) -> None:
        self.manager = manager
        self.pages: list[Page] = []

    async def page(self) -> Page:
        """Attach another client."""
        page = Page(self.manager.client())
        # Each page is a session of its own, as each browser tab is.
        page.client.session = page.client.session.clone()
        page.client.session.session = str(uuid.uuid4())
        await page.start()
        self.pages.append(page)
        return page

    async def release(self) -> None:
        """Let go of all clients."""
        while self.pages:
            await self.pages.pop().stop()

    async def interrupt(self) -> None:
        await self.manager.interrupt_kernel()


@asynccontextmanager
async def start_kernel(python: str, folder: Path, **environment: str) -> AsyncIterator[Kernel]:
    """Run a kernel of `python` for the time of an ``async with``; its repository is in memory."""
    spec = folder / "specs" / "tested"
    spec.mkdir(parents=True, exist_ok=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "tested", "language": "python"}), "utf-8"
    )
    manager = AsyncKernelManager(kernel_name="tested", connection_file=str(folder / "kernel.json"))
    manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(folder / "specs")])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("IPFS_COMM_", "VSCODE_"))}
    path = os.pathsep.join([str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])])
    environment = {
        "IPFS_COMM_REPO": ":memory:",
        "IPFS_COMM_GATEWAYS": "",
        "IPYTHONDIR": str(folder / "ipython"),
        **environment,
    }
    await manager.start_kernel(env={**inherited, "PYTHONPATH": path, **environment}, cwd=str(folder))
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        await kernel.release()
        await manager.shutdown_kernel(now=True)
