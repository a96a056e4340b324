"""A real Jupyter server, and pages that talk to kernels over its websocket."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import uuid
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jupyter_client.session import Session
from kernel_support import LIMIT, ROOT, Page
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

TOKEN = "kernel-tests"
PROTOCOL = "v1.kernel.websocket.jupyter.org"
PARTS = ("header", "parent_header", "metadata", "content")


def encode(channel: str, message: dict[str, Any], buffers: Sequence[bytes]) -> bytes:
    """Return a message as the protocol above has it: offsets of the parts, then the parts."""
    parts = [channel.encode(), *(json.dumps(message[name], default=str).encode() for name in PARTS), *buffers]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def decode(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the channel and the message."""
    view = memoryview(data)
    (count,) = struct.unpack_from("<Q", view)
    offsets = struct.unpack_from(f"<{count}Q", view, 8)
    parts = [view[start:end] for start, end in pairwise(offsets)]
    message: dict[str, Any] = {name: json.loads(bytes(part)) for name, part in zip(PARTS, parts[1:5], strict=True)}
    return str(parts[0], "utf-8"), {**message, "msg_type": message["header"]["msg_type"], "buffers": parts[5:]}


class SocketPage(Page):
    """A page of a Jupyter server."""

    def __init__(self, server: Server, kernel_id: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # all that needs a client is done otherwise here
        self._server = server
        self._session = Session(session=str(uuid.uuid4()))
        self._socket: WebSocketClientConnection | None = None
        self.kernel_id = kernel_id

    async def start(self) -> None:
        url = f"ws{self._server.url[4:]}api/kernels/{self.kernel_id}/channels?session_id={self._session.session}"
        request = HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"})
        self._socket = await asyncio.wait_for(
            websocket_connect(request, subprotocols=[PROTOCOL], max_message_size=2**30), LIMIT
        )
        self._tasks = [asyncio.create_task(self._listen(self._socket))]
        await self.request("shell", "kernel_info_request")

    async def stop(self) -> None:
        for link in self._links:
            link.end()
        assert self._socket is not None
        self._socket.close()
        await asyncio.gather(*self._tasks)

    async def _listen(self, socket: WebSocketClientConnection) -> None:
        while isinstance(data := await socket.read_message(), bytes):
            self.heard(*decode(data))

    def send(
        self,
        channel: str,
        kind: str,
        content: dict[str, Any],
        buffers: Sequence[bytes] = (),
        subshell: str | None = None,
    ) -> str:
        assert self._socket is not None
        message = self._session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        sending = asyncio.ensure_future(self._socket.write_message(encode(channel, message, buffers), binary=True))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        return str(message["header"]["msg_id"])


class Server:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = AsyncHTTPClient(force_instance=True)

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the server's REST API."""
        request = HTTPRequest(
            f"{self.url}api/{path}",
            method=method,
            headers={"Authorization": f"token {TOKEN}"},
            body=None if body is None else json.dumps(body),
            request_timeout=LIMIT,
        )
        reply = await self._client.fetch(request)
        return json.loads(reply.body) if reply.body else None

    @asynccontextmanager
    async def page(self, name: str = "tested") -> AsyncIterator[SocketPage]:
        """Start a kernel, and be its page for the time of an ``async with``."""
        kernel = await self.call("POST", "kernels", {"name": name})
        page = SocketPage(self, kernel["id"])
        await page.start()
        try:
            yield page
        finally:
            await page.stop()
            await self.call("DELETE", f"kernels/{kernel['id']}")

    async def listens(self) -> None:
        """Wait until the server answers: it says where it is before it listens."""
        async with asyncio.timeout(LIMIT):
            while True:
                with suppress(ConnectionRefusedError):
                    await self.call("GET", "status")
                    return

    def close(self) -> None:
        self._client.close()


@asynccontextmanager
async def start_server(python: str, folder: Path) -> AsyncIterator[Server]:
    """Run a server whose kernel ``tested`` is one of `python`, for the time of an ``async with``."""
    spec = folder / "data" / "kernels" / "tested"
    spec.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "t", "language": "python"}), "utf-8")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPFS_COMM", "VSCODE"))}
    environment = {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "IPFS_COMM_REPO": ":memory:",
        "IPFS_COMM_GATEWAYS": "",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    arguments = ["--ServerApp.port=0", "--ServerApp.ip=127.0.0.1", "--allow-root", "--no-browser"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from jupyter_server.serverapp import main; main()",
        *arguments,
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        cwd=folder,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    log = process.stderr
    try:
        async with asyncio.timeout(LIMIT):
            while "is running at" not in (line := (await log.readline()).decode()):
                assert line, "the server did not start"
            address = (await log.readline()).decode().split()[-1]
        reading = asyncio.create_task(log.read())
        server = Server(address.partition("?")[0])
        await server.listens()
        yield server
        server.close()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), LIMIT)
    await reading
