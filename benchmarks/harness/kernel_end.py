"""The kernel's end of the measurements, imported inside a kernel.

Three media answer the same few operations: the control stream itself behind a hook of a page's length (*raw*), an
ordinary comm, and a port. What differs between two rows of a table is then the medium and nothing else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Comm ids of the raw medium begin with this; also the name of the ordinary comm's target.
NAME = "bench-raw"
TARGET = "bench-comm"


class Peer:
    """Answers operations: echo; a stream down under credit; a stream up that is counted and acknowledged.

    Parameters
    ----------
    say : callable
        Sends an operation, and a fragment or a payload where there is one.
    """

    def __init__(self, say: Callable[[dict[str, Any], Any], None]) -> None:
        self._say = say
        self._fragment = b""
        self._left = self._sent = self._acked = self._credit = 0
        self._received = self._told = self._every = 0

    def hear(self, operation: dict[str, Any], payload: Any = None) -> None:
        """Do what an operation asks for."""
        kind = operation["op"]
        if kind == "data":
            self._received += len(payload)
            if self._received - self._told >= self._every:
                self._told = self._received
                self._say({"op": "ack", "bytes": self._received}, None)
        elif kind == "ack":
            self._acked = operation["bytes"]
            self._pump()
        elif kind == "echo":
            self._say(operation, payload)
        elif kind == "down":
            self._fragment = os.urandom(operation["fragment"])
            self._left, self._credit = operation["count"], operation["credit"]
            self._sent = self._acked = 0
            self._pump()
        elif kind == "stop":
            self._left = 0
            self._say({"op": "stopped", "bytes": self._sent}, None)
        elif kind == "up":
            self._received = self._told = 0
            self._every = operation["every"]
        elif kind == "end":
            self._say({"op": "ended", "bytes": self._received}, None)

    def _pump(self) -> None:
        while self._left and self._sent - self._acked < self._credit:
            self._left -= 1
            self._sent += len(self._fragment)
            self._say({"op": "data"}, self._fragment)


def serve_raw(kernel: Any) -> None:
    """Hook the control stream: what it costs to be there at all, on the channel's own thread and with no port layer."""
    stream, session, original = kernel.control_stream, kernel.session, kernel.dispatch_control
    mark = f'"{NAME}'.encode()
    peers: dict[str, Peer] = {}

    def peer(comm_id: str, idents: list[bytes]) -> Peer:
        def say(operation: dict[str, Any], payload: Any) -> None:
            content = {"comm_id": comm_id, "data": operation}
            buffers = None if payload is None else [payload]
            session.send(stream, "comm_msg", content, parent={}, ident=idents, buffers=buffers)

        return Peer(say)

    def hook(frames: list[Any]) -> Any:
        idents, parts = session.feed_identities(frames, copy=False)
        if len(parts) < 5 or mark not in parts[4].bytes:
            return original(frames)
        # With content, so that the signature is checked and its digest kept: whoever takes a frame must do that.
        message = session.deserialize(parts, content=True, copy=False)
        comm_id = message["content"]["comm_id"]
        if comm_id not in peers:
            peers[comm_id] = peer(comm_id, list(idents))
        buffers = message["buffers"]
        peers[comm_id].hear(message["content"]["data"], buffers[0] if buffers else None)
        return None

    stream.io_loop.add_callback(lambda: stream.on_recv(hook, copy=False))


def serve_comm(kernel: Any) -> None:
    """Register the target of an ordinary comm, handled as any user's would be."""

    def opened(comm: Any, _message: dict[str, Any]) -> None:
        peer = Peer(lambda operation, payload: comm.send(operation, buffers=None if payload is None else [payload]))

        @comm.on_msg  # type: ignore[untyped-decorator]  # of the untyped comm package
        def heard(message: dict[str, Any]) -> None:
            buffers = message["buffers"]
            peer.hear(message["content"]["data"], buffers[0] if buffers else None)

    kernel.comm_manager.register_target(TARGET, opened)


def serve_port(port: Any) -> None:
    """Answer operations on a port, and on every port that comes over it."""

    def say(operation: dict[str, Any], payload: Any) -> None:
        if operation["op"] == "data":
            # Bytes that are given away are not copied.
            port.post_message(payload, [payload])
        elif payload is None:
            port.post_message(operation)
        else:
            port.post_message({**operation, "payload": payload})

    peer = Peer(say)

    def heard(event: Any) -> None:
        for other in event.ports:
            serve_port(other)
        data = event.data
        if isinstance(data, memoryview):
            peer.hear({"op": "data"}, data)
        elif data["op"] != "port":
            peer.hear({name: value for name, value in data.items() if name != "payload"}, data.get("payload"))

    port.onmessage = heard


class Spring:
    """A node without a store: ``cat`` gives as many bytes as its path says, ``add`` counts what it is given.

    So a stream through the unmodified client costs what the client, the protocol and the ports cost.
    """

    def __init__(self) -> None:
        from ipfs_comm import CID
        from ipfs_comm.ipld import multihash

        self._cid = CID.create(1, 0x55, multihash.digest(b"", "sha2-256"))
        self._chunk = os.urandom(256 * 1024)

    async def cat(self, path: Any, **_options: Any) -> Any:
        """Generate what the last segment of the path says, in bytes."""
        left = int(str(path).rpartition("/")[2])
        while left > 0:
            piece = self._chunk if left >= len(self._chunk) else self._chunk[:left]
            left -= len(piece)
            yield piece

    async def add(self, content: Any, **_options: Any) -> Any:
        """Count the bytes of the content."""
        from ipfs_comm.node.api import AddResult

        total = 0
        if isinstance(content, bytes | bytearray | memoryview):
            total = len(content)
        else:
            async for piece in content:
                total += len(piece)
        return AddResult(path=str(self._cid), cid=self._cid, size=total)


#: Who answers the ports that pages open from now on: ``ipfs`` (the node, as ever), ``port`` or ``spring``.
_answers = "ipfs"


def answer_with(name: str) -> None:
    """Choose who answers the ports that are opened from now on."""
    global _answers
    _answers = name


def serve_ports() -> None:
    """Take the place of the server where a measurement wants the port itself; call it before loading the extension."""
    from ipfs_comm import IPFSService, Server

    connect = Server.connect

    def chosen(self: Server, port: Any, outlet: Any = None) -> None:
        if _answers == "port":
            serve_port(port)
        elif _answers == "spring":
            spring: Any = Spring()
            connect(Server(IPFSService(spring)), port, outlet)
        else:
            connect(self, port, outlet)

    Server.connect = chosen  # type: ignore[method-assign]  # for measurements only
