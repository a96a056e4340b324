"""Hostile packets and messages without end, made of the shared fixtures by a seeded mutator, and who must bear them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import DataCloneError, LinkError, ProtocolError
from ipfs_comm.wire import Acceptor, Carrier, Link, MessageEvent, MessagePort, clone
from ipfs_comm.wire.frame import Ack, Close, Data, End, Frame, Hello, Ping, Welcome, encode_packet, parse_packet
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Assembler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfs_comm.wire.carriers.base import Closed, Receive
    from ipfs_comm.wire.frame import Buffer

FIXTURES: Final = Path(__file__).parent.parent / "fixtures" / "wire"
#: Seconds of the processor that one hostile case may take.
DEADLINE: Final = 2.0
TOKEN: Final = bytes(range(32))
#: So many cases go to one link, if it lives so long.
CASES_PER_LINK: Final = 200

INTEGERS: Final = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 2**31, 2**32 - 1, 2**53 - 1, 2**53, 2**64 - 1)
BYTES: Final = (0, 1, 2, 4, 8, 0x22, 0x2C, 0x5B, 0x5D, 0x7F, 0x80, 0xC9, 0xFF)
SLOTS: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2, 3, 255, 2**31, 2**32 - 1, 2**32, 2**53, 10**40, 1e308, -0.0, 0.5,
    "", "a", "0", "-0", "4294967295", "__proto__", "length", "message", "stack", "cause", "Error", "Uint8Array",
    "\ud800", [], [0], [1], [2], [-1], [0.5], [10**9], [[0]], ["n", "NaN"], ["n", "-0"], ["n", "x"],
    ["b", "ff"], ["b", "-0"], ["b", "0x1"], ["b", "f" * 5_000], {}, {"a": 1},
    ["o"], ["a"], ["A", 3], ["m"], ["s"], ["x", 0], ["x", 0, 9], ["p", 0], ["d", 0], ["w", [0]], ["r", "(", "gg"],
    ["v", "Uint8Array", [0], 0, 1], ["v", "Int32Array", [0], 1, None], ["v", "DataView", [0], 0, 0], ["e", "Error", []],
    ["B", "", 4, 0], ["F", "", 2**53, 1, "n", 0.5], ["l", [0]], ["i", [0], 1, 1, "srgb"], ["D", "a", "b"],
)  # fmt: skip

SLOT_TEXTS: Final = tuple(map(json.dumps, SLOTS))


def load(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((FIXTURES / name).read_text("utf-8"))["cases"]
    return cases


class Mutator:
    """Makes hostile things of good ones, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.packets = [
            [bytes.fromhex(item) for item in case["packet"]] for case in load("frames.json") if case["packet"]
        ]
        self.messages = [
            (case["meta"].encode(), [bytes.fromhex(item) for item in case["buffers"]]) for case in load("messages.json")
        ]

    def bytes(self, data: bytes) -> bytes:
        """Change a few places of `data`."""
        made = bytearray(data)
        for _ in range(self.random.choice((1, 1, 1, 2, 4, 8))):
            self._change(made)
        return bytes(made)

    def _change(self, data: bytearray) -> None:
        rnd = self.random
        at = rnd.randrange(len(data) + 1)
        match rnd.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << rnd.randrange(8)
            case 1 if at < len(data):
                data[at] = rnd.choice(BYTES)
            case 2 | 3:
                size = rnd.choice((1, 2, 4, 8))
                data[at : at + size] = (rnd.choice(INTEGERS) % 256**size).to_bytes(size, "little")
            case 4:
                del data[at : at + rnd.choice((1, 2, 4, 20, 100_000))]
            case 5:
                data[at:at] = data[rnd.randrange(len(data) + 1) :][: rnd.choice((1, 4, 20, 200))]
            case 6:
                data[at:at] = rnd.randbytes(rnd.choice((1, 2, 4, 20)))
            case _:
                data[at:at] = bytes([rnd.choice(BYTES)]) * rnd.choice((1, 16, 3_000))

    def packet(self) -> list[bytes]:
        """Return a packet of which any buffer may be changed, missing or there twice."""
        rnd = self.random
        packet = list(rnd.choice(self.packets))
        at = rnd.randrange(len(packet))
        packet[at] = self.bytes(packet[at])
        match rnd.randrange(6):
            case 0:
                del packet[rnd.randrange(len(packet))]
            case 1:
                packet.insert(rnd.randrange(len(packet) + 1), rnd.randbytes(rnd.randrange(30)))
            case 2:
                packet = (packet * rnd.choice((2, 600)))[:1_100]
        return packet

    def message(self) -> tuple[bytes, list[bytes]]:
        """Return the meta and buffers of a message that is wrong somewhere, or nearly."""
        rnd = self.random
        meta, buffers = rnd.choice(self.messages)
        if rnd.random() < 0.4:
            meta = self.bytes(meta)
        else:
            try:
                parsed = json.loads(meta)
            except (ValueError, RecursionError):
                return meta, buffers
            for _ in range(rnd.choice((1, 1, 2, 4))):
                parsed = self.tree(parsed)
            meta = json.dumps(parsed).encode()
        if buffers and rnd.random() < 0.1:
            buffers = [*buffers, rnd.choice(buffers)][rnd.randrange(2) :]
        return meta, buffers

    def tree(self, root: Any) -> Any:
        """Change one place of parsed JSON; the root is changed in place where it can be."""
        rnd = self.random
        at = root
        while isinstance(at, list) and at:
            index = rnd.randrange(len(at))
            if isinstance(at[index], list) and at[index] and rnd.random() < 0.8:
                at = at[index]
                continue
            match rnd.randrange(6):
                case 0 | 1 | 2:
                    at[index] = self.slot()
                case 3:
                    del at[index]
                case 4:
                    at.insert(index, json.loads(json.dumps(rnd.choice(at)))) if len(at) < 2_000 else at.clear()
                case _:
                    at[index : index + 1] = [self.slot()] * rnd.choice((1, 2, 300))
            # No list may stand in two places: a change of one would be a change of the other.
            return json.loads(json.dumps(root))
        return self.slot()

    def slot(self) -> Any:
        return json.loads(self.random.choice(SLOT_TEXTS))

    def whole(self) -> bytes:
        """Return the bytes of a message as they stand in DATA frames."""
        meta, buffers = self.message() if self.random.random() < 0.7 else self.random.choice(self.messages)
        return b"".join([len(meta).to_bytes(4, "little"), meta, *buffers])


class FuzzCarrier(Carrier):
    """Gives a link what it is told to, and keeps nothing of what the link says."""

    name = "memory"
    #: Without it every link that ends stays for some seconds, to repeat its farewell.
    tells_close = True

    def __init__(self) -> None:
        self.receive: Receive = lambda _: None
        self.sent: list[Frame] = []
        self.over = False

    def start(self, receive: Receive, closed: Closed) -> None:
        self.receive = receive

    def send(self, packet: Sequence[Buffer]) -> None:
        self.sent = parse_packet([memoryview(item) for item in packet])[1]

    def close(self) -> None:
        self.over = True


class Fuzzer:
    """Feeds hostile cases to the decoders and to a link, and looks at what comes of it.

    Attributes
    ----------
    accepted : int
        Cases that were no error: without some of them the mutator would be too wild to get anywhere.
    slowest : float
        Seconds of the slowest case.
    """

    def __init__(self, seed: int) -> None:
        self.mutator = Mutator(seed)
        self.random = self.mutator.random
        self.accepted = 0
        self.slowest = 0.0
        self.links = 0
        self.delivered = 0
        self.unexpected: list[str] = []
        self._acceptor: Acceptor | None = None
        self._carrier = FuzzCarrier()
        self._link: Link | None = None
        self._left = 0
        self._seq = 0

    async def run(self, count: int, progress: Callable[[int], None] = lambda _: None) -> None:
        """Run so many cases.

        Raises
        ------
        AssertionError
            A case took too long, or somebody raised what he may not.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.unexpected.append(repr(context)))
        kinds = (self.parse, self.assemble, self.assemble, self.link)
        for number in range(count):
            before = time.thread_time()
            kind = kinds[number % len(kinds)]
            kind()
            if kind == self.link:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            took = time.thread_time() - before
            self.slowest = max(self.slowest, took)
            assert took < DEADLINE, f"case {number} took {took:.1f} s"
            assert not self.unexpected, f"case {number}: {self.unexpected[:3]}"
            if not (number + 1) % 10_000:
                progress(number + 1)
        self._hang_up()
        await asyncio.sleep(0)

    def parse(self) -> None:
        """A packet: either a ProtocolError, or frames that make the same frames again."""
        packet = self.mutator.packet()
        try:
            token, frames = parse_packet([memoryview(item) for item in packet])
        except ProtocolError:
            return
        self.accepted += 1
        again = [memoryview(item) for item in encode_packet(token, frames)]
        if len(again) <= 1_024:
            assert parse_packet(again)[0] == token

    def assemble(self) -> None:
        """A message in fragments: either a ProtocolError, or a value that can be sent on."""
        data = self.mutator.whole()
        step = self.random.choice((len(data), len(data), 1 + len(data) // 3))
        assembler = Assembler(Limits())
        message = None
        try:
            for start in range(0, len(data), step):
                part = data[start : start + step]
                message = assembler.feed(Data(1, 0, start == 0, start + step >= len(data), [part], len(part)))
            if message is None:
                return
            meta, buffers = message
            blobs = sum(isinstance(entry, list) and entry[:1] in (["B"], ["F"]) for entry in meta.entries)
            ports = [MessagePort.homeless() for _ in meta.port_ids[: max(0, len(meta.port_ids) - blobs)]]
            sources = [clone.Blob(b"").source for _ in meta.port_ids[len(ports) :]]
            value = clone.decode(meta.root, meta.entries, buffers, ports, sources)
        except ProtocolError:
            return
        self.accepted += 1
        encoded = clone.encode(value, ports=ports)
        clone.dump_meta(encoded, range(len(ports)))

    def link(self) -> None:
        """Packets of one who knows the token: the link lives, or ends with a typed error; nothing is raised."""
        if self._link is None or self._link.error is not None or not self._left:
            self._hang_up()
            self._dial()
        self._left -= 1
        packet: list[Buffer] = list(encode_packet(TOKEN, self._frames()))
        if self.random.random() < 0.3:
            at = self.random.randrange(len(packet))
            packet[at] = self.mutator.bytes(bytes(packet[at]))
        self._carrier.receive([memoryview(item) for item in packet])
        assert self._link is not None
        error = self._link.error
        assert error is None or isinstance(error, LinkError)
        self.accepted += error is None

    def _frames(self) -> list[Frame]:
        rnd = self.random
        frames: list[Frame] = []
        for _ in range(rnd.choice((1, 1, 2, 5))):
            kind = rnd.randrange(20)
            port = rnd.choice((0, 0, 0, 2, 4, 6, 1, 3, rnd.randrange(2**32)))
            if kind < 12:
                frames += self._data(port)
            elif kind < 14:
                self._seq += 1
                frames.append(Close(self._seq, port or rnd.choice((0, 2, 2, 4, 4))))
            elif kind < 17:
                frames.append(self._ack())
            elif kind < 19:
                frames.append(Ping(rnd.choice((self._seq, rnd.randrange(2**53)))))
            else:
                frames.append(rnd.choice([End(0, "ERR_X", "x"), Welcome({}), Hello({}), Ping(0), Close(2**53 - 1, 0)]))
        return frames

    def _data(self, port: int) -> list[Frame]:
        rnd = self.random
        data = self.mutator.whole()
        step = rnd.choice((len(data), len(data), 1 + len(data) // 2))
        frames: list[Frame] = []
        for start in range(0, len(data), step):
            part = data[start : start + step]
            first, last = start == 0, start + step >= len(data)
            if rnd.random() < 0.02:
                first, last = rnd.random() < 0.5, rnd.random() < 0.5
            self._seq += rnd.choice((0, 2, 5)) if rnd.random() < 0.02 else 1
            frames.append(Data(self._seq, port, first, last, [part], len(part)))
        return frames

    def _ack(self) -> Ack:
        rnd = self.random
        sent = max((getattr(frame, "seq", 0) for frame in self._carrier.sent), default=0)
        if rnd.random() < 0.8:
            return Ack(self._seq, rnd.randrange(sent + 1), rnd.choice((0, 1, 65_536, 2**32 - 1)))
        low = rnd.randrange(1, sent + 5)
        return Ack(
            rnd.choice(INTEGERS[:16]), low - 1, rnd.choice(INTEGERS[:14]), ((low + 1, low + rnd.randrange(1, 9)),)
        )

    def _dial(self) -> None:
        self.links += 1
        self._left, self._seq = CASES_PER_LINK, 0
        self._carrier = FuzzCarrier()
        self._acceptor = Acceptor({"fuzz": self._accepted})
        self._acceptor.accept(self._carrier)
        hello = {
            "versions": [1], "link": "AAECAwQFBgcICQoLDA0ODw", "carriers": ["memory"], "service": "fuzz", "params": {},
            "agent": "fuzz", "window": 1 << 20,
        }  # fmt: skip
        self._carrier.receive([memoryview(item) for item in encode_packet(TOKEN, [Hello(hello)])])
        assert self._link is not None

    def _hang_up(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        self._acceptor = self._link = None

    def _accepted(self, link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
        self._link = link
        port.onmessage = self._heard

    def _heard(self, event: MessageEvent) -> None:
        self.delivered += 1
        for port in event.ports:
            if self.random.random() < 0.3:
                port.onmessage = self._heard
        port = event.target
        assert port is not None
        transfer = [port for port in event.ports if self.random.random() < 0.3]
        try:
            port.post_message(event.data, transfer)
        except DataCloneError:
            # A port of the message that is not sent back with it.
            port.post_message(None)
