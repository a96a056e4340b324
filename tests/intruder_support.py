"""A process on the same host that has the kernel's ports and hears its iopub channel, and has not its key."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import zmq
import zmq.asyncio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from kernel_support import Kernel

DELIMITER = b"<IDS|MSG>"
#: Seconds that anything here may take.
LIMIT = 30.0


class Intruder:
    """What one such process does, for the time of an ``async with``."""

    def __init__(self, kernel: Kernel) -> None:
        self._info: dict[str, Any] = kernel.manager.get_connection_info()
        self._context = zmq.asyncio.Context()
        self._captured: list[list[bytes]] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        listening = self._socket(zmq.SUB, "iopub")
        listening.setsockopt(zmq.SUBSCRIBE, b"")
        monitor = listening.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self._connect(listening, "iopub")
        await asyncio.wait_for(monitor.recv_multipart(), LIMIT)
        listening.disable_monitor()
        monitor.close(linger=0)
        self._task = asyncio.create_task(self._listen(listening))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._context.destroy(linger=0)

    def _socket(self, kind: int, channel: str) -> zmq.asyncio.Socket:
        assert f"{channel}_port" in self._info
        return self._context.socket(kind)

    def _connect(self, socket: zmq.asyncio.Socket, channel: str) -> None:
        socket.connect(f"{self._info['transport']}://{self._info['ip']}:{self._info[f'{channel}_port']}")

    async def _listen(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            self._captured.append(await socket.recv_multipart())
            self._news.set()

    async def captured(self, fits: Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], bool]) -> list[bytes]:
        """Wait for a message on iopub whose header, parent's header and content fit; return its signed frames."""
        async with asyncio.timeout(LIMIT):
            while True:
                self._news.clear()
                for frames in self._captured:
                    signed = frames[frames.index(DELIMITER) + 1 :]
                    header, parent, _metadata, content = (json.loads(frame) for frame in signed[1:5])
                    if fits(header, parent, content):
                        return signed[:5]
                await self._news.wait()

    async def packet_of(self, comm_ids: Sequence[str]) -> list[bytes]:
        """Return the signed frames of a packet that the kernel has published, and forget it."""
        signed = await self.captured(
            lambda header, _parent, content: header["msg_type"] == "comm_msg" and content["comm_id"] in comm_ids
        )
        self._captured = [frames for frames in self._captured if signed[0] not in frames]
        return signed

    async def seen_by_the_kernel(self, signed: Sequence[bytes]) -> None:
        """Wait until the kernel has said that it is done with a message that was sent to it."""
        msg_id = json.loads(signed[1])["msg_id"]
        await self.captured(
            lambda header, parent, content: (
                header["msg_type"] == "status"
                and parent.get("msg_id") == msg_id
                and content["execution_state"] == "idle"
            )
        )

    def pretend(self, channel: str, identity: bytes) -> zmq.asyncio.Socket:
        """Connect to a channel as somebody else."""
        socket = self._socket(zmq.DEALER, channel)
        socket.setsockopt(zmq.IDENTITY, identity)
        self._connect(socket, channel)
        return socket

    async def send(self, channel: str, signed: Sequence[bytes], buffers: Sequence[bytes], identity: bytes) -> None:
        """Send signed frames with buffers of our own."""
        with self.pretend(channel, identity) as socket:
            socket.linger = 5_000
            await socket.send_multipart([DELIMITER, *signed, *buffers])
