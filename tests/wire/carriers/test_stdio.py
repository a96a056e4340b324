"""Packets over pipes, and the server that uses them."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from wire.support import Inbox

from ipfs_comm.errors import InvalidInputError, LinkError, ProtocolError
from ipfs_comm.wire import Acceptor, Link, MessagePort
from ipfs_comm.wire.carriers.stdio import StdioCarrier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ipfs_comm.wire.frame import Buffer


class Ends:
    """Two carriers over two pipes, or one and the bare ends."""

    def __init__(self) -> None:
        self.in_read, self.in_write = os.pipe()
        self.out_read, self.out_write = os.pipe()
        self.packets: list[list[bytes]] = []
        self.closed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.arrived = asyncio.Event()

    async def carrier(self) -> StdioCarrier:
        carrier = await StdioCarrier.connect(
            os.fdopen(self.in_read, "rb", buffering=0), os.fdopen(self.out_write, "wb", buffering=0)
        )
        carrier.start(self._receive, self.closed.set_result)
        return carrier

    def _receive(self, packet: Sequence[Buffer]) -> None:
        self.packets.append([bytes(buffer) for buffer in packet])
        self.arrived.set()

    async def take(self, count: int) -> list[list[bytes]]:
        async with asyncio.timeout(10):
            while len(self.packets) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.packets


def framed(*buffers: bytes) -> bytes:
    return struct.pack(f"<I{len(buffers)}I", len(buffers), *map(len, buffers)) + b"".join(buffers)


async def test_packets_are_read_whatever_the_pieces_they_come_in() -> None:
    ends = Ends()
    carrier = await ends.carrier()
    stream = framed(b"head", b"", b"segment") + framed(b"next") + framed(b"", b"")
    for at in range(0, len(stream), 3):
        os.write(ends.in_write, stream[at : at + 3])
    assert await ends.take(3) == [[b"head", b"", b"segment"], [b"next"], [b"", b""]]
    carrier.close()
    os.close(ends.in_write)
    os.close(ends.out_read)


async def test_a_packet_is_written_as_the_protocol_says() -> None:
    ends = Ends()
    carrier = await ends.carrier()
    carrier.send([b"head", memoryview(b"x" * 20_000)])
    wanted = framed(b"head", b"x" * 20_000)
    assert os.read(ends.out_read, len(wanted)) == wanted
    carrier.close()
    os.close(ends.in_write)
    os.close(ends.out_read)


async def test_end_of_input_is_the_end_of_the_carrier() -> None:
    ends = Ends()
    await ends.carrier()
    os.write(ends.in_write, framed(b"whole")[:-1])
    os.close(ends.in_write)
    assert isinstance(await ends.closed, LinkError)
    assert ends.packets == []
    os.close(ends.out_read)


@pytest.mark.parametrize(
    "stream", [struct.pack("<I", 0), struct.pack("<I", 1_025), struct.pack("<II", 1, 64 * 2**20 + 1), b"hello world"]
)
async def test_what_is_no_packet_is_a_protocol_error(stream: bytes) -> None:
    ends = Ends()
    await ends.carrier()
    os.write(ends.in_write, stream)
    assert isinstance(await ends.closed, ProtocolError)
    os.close(ends.in_write)
    os.close(ends.out_read)


async def test_a_reader_that_is_gone_ends_the_carrier() -> None:
    ends = Ends()
    carrier = await ends.carrier()
    os.close(ends.out_read)
    carrier.send([bytes(100_000)])
    assert isinstance(await ends.closed, LinkError)
    os.close(ends.in_write)


async def test_files_are_no_pipes(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file, pytest.raises(InvalidInputError, match="pipes"):
        await StdioCarrier.connect(file, file)


async def test_a_link_runs_over_pipes() -> None:
    up_read, up_write = os.pipe()
    down_read, down_write = os.pipe()
    near = await StdioCarrier.connect(os.fdopen(down_read, "rb", buffering=0), os.fdopen(up_write, "wb", buffering=0))
    far = await StdioCarrier.connect(os.fdopen(up_read, "rb", buffering=0), os.fdopen(down_write, "wb", buffering=0))

    def echo(_link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
        port.onmessage = lambda event: port.post_message(event.data)

    over = Acceptor({"ipfs": echo}).accept(far)
    link = await Link.open(near)
    inbox = Inbox(link.port)
    content = os.urandom(3_000_000)
    link.port.post_message([1, content])
    assert await inbox.take() == [[1, content]]
    link.end()
    reason = await over
    assert reason is not None
    assert reason.code == "ERR_CLOSED"


def served(*options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ipfs_comm.testing.serve", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


async def test_the_server_serves_a_link_and_ends_with_it() -> None:
    from ipfs_comm import IPFSClient

    with served() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        link = await Link.open(await StdioCarrier.connect(process.stdout, process.stdin), timeout=30)
        client = IPFSClient.from_port(link.port)
        entry = await client.add(b"over two pipes")
        assert await client.cat(entry.cid) == b"over two pipes"
        link.end()
        assert await asyncio.to_thread(process.wait, 20) == 0


async def test_the_server_ends_with_its_input() -> None:
    with served() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        link = await Link.open(await StdioCarrier.connect(process.stdout, process.stdin), timeout=30)
        process.stdin.close()
        assert isinstance(await link.ended, LinkError)
        assert await asyncio.to_thread(process.wait, 20) == 0


async def test_the_server_sets_what_it_is_told_to_before_it_serves() -> None:
    from ipfs_comm import IPFSClient

    setting = {".": "https://dns.example/dns-query"}
    with served("--config", f"DNS.Resolvers={json.dumps(setting)}", "--config", "Some.Number=5") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        link = await Link.open(await StdioCarrier.connect(process.stdout, process.stdin), timeout=30)
        client = IPFSClient.from_port(link.port)
        assert await client.config.get("DNS.Resolvers") == setting
        assert await client.config.get("Some.Number") == 5
        link.end()
        assert await asyncio.to_thread(process.wait, 20) == 0


async def test_the_server_refuses_a_setting_that_is_no_json() -> None:
    with served("--config", "DNS.Resolvers=nothing") as process:
        assert await asyncio.to_thread(process.wait, 20) == 2
