"""The frames and the packets that carry them: this is the wire. Specified by `docs/protocol.md`, section 1."""

from __future__ import annotations

import json
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from ipfs_comm.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "MAX_BUFFERS",
    "MAX_RANGES",
    "MAX_SEQ",
    "Ack",
    "Buffer",
    "Close",
    "Data",
    "End",
    "Frame",
    "Hello",
    "Ping",
    "Refuse",
    "Welcome",
    "encode_packet",
    "join_packets",
    "packet_token",
    "parse_packet",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

MAGIC: Final = 0xC9
LAYOUT: Final = 1
#: Buffers of a packet: the head and its segments.
MAX_BUFFERS: Final = 1_024
#: Ranges of missing frames in one ACK.
MAX_RANGES: Final = 64
MAX_SEQ: Final = 2**53 - 1
TOKEN_SIZES: Final = range(16, 65)
#: A body of up to so many bytes is copied behind its header; a longer one becomes segments.
INLINE: Final = 4_096
#: JSON bodies longer than this are refused.
MAX_JSON: Final = 1 << 20

_HEAD: Final = Struct("<BBH")
_FRAME: Final = Struct("<BBHIQI")
_ACK: Final = Struct("<QIHH")
_RANGE: Final = Struct("<QQ")

_HELLO, _WELCOME, _REFUSE, _DATA, _CLOSE, _ACKNOWLEDGE, _PING, _END = range(1, 9)
_FIRST, _LAST = 1, 2


class Hello(NamedTuple):
    """The opener's first frame."""

    info: dict[str, Any]


class Welcome(NamedTuple):
    """The acceptor's answer."""

    info: dict[str, Any]


class Refuse(NamedTuple):
    """The acceptor's other answer."""

    info: dict[str, Any]


class Data(NamedTuple):
    """A fragment of a message; `body` is the concatenation of its parts."""

    seq: int
    port: int
    first: bool
    last: bool
    body: Sequence[Buffer]
    size: int


class Close(NamedTuple):
    """The sender closed a port."""

    seq: int
    port: int
    size: int = 0


class Ack(NamedTuple):
    """What has arrived, what is missing, how much more is accepted. `seq` is the last one its sender has sent."""

    seq: int
    cumulative: int
    window: int
    missing: tuple[tuple[int, int], ...] = ()


class Ping(NamedTuple):
    """A question that is answered with an ACK."""

    seq: int


class End(NamedTuple):
    """The link is over."""

    seq: int
    code: str
    message: str


Frame: TypeAlias = Hello | Welcome | Refuse | Data | Close | Ack | Ping | End


def _json(info: dict[str, Any]) -> bytes:
    return json.dumps(info, separators=(",", ":")).encode()


def encode_packet(token: bytes, frames: Iterable[Frame]) -> list[Buffer]:
    """Return the buffers of a packet; long bodies are not copied.

    Parameters
    ----------
    token : bytes
        The opener's token, empty in packets of the acceptor.
    frames : iterable of Frame
        At least one.
    """
    head = bytearray(_HEAD.pack(MAGIC, LAYOUT, len(token)))
    head += token
    packet: list[Buffer] = [head]
    for frame in frames:
        match frame:
            case Data(seq, port, first, last, body, size):
                flags = first * _FIRST | last * _LAST
                if size <= INLINE:
                    head += _FRAME.pack(_DATA, flags, 0, size, seq, port)
                    for part in body:
                        head += part
                else:
                    head += _FRAME.pack(_DATA, flags, len(body), size, seq, port)
                    packet += body
            case Ack(seq, cumulative, window, missing):
                head += _FRAME.pack(_ACKNOWLEDGE, 0, 0, _ACK.size + _RANGE.size * len(missing), seq, 0)
                head += _ACK.pack(cumulative, window, len(missing), 0)
                for gap in missing:
                    head += _RANGE.pack(*gap)
            case Close(seq, port, _):
                head += _FRAME.pack(_CLOSE, 0, 0, 0, seq, port)
            case Ping(seq):
                head += _FRAME.pack(_PING, 0, 0, 0, seq, 0)
            case End(seq, code, message):
                text = _json({"code": code, "message": message})
                head += _FRAME.pack(_END, 0, 0, len(text), seq, 0) + text
            case Hello(info) | Welcome(info) | Refuse(info):
                kind = _HELLO if isinstance(frame, Hello) else _WELCOME if isinstance(frame, Welcome) else _REFUSE
                text = _json(info)
                head += _FRAME.pack(kind, 0, 0, len(text), 0, 0) + text
    return packet


def join_packets(packets: Sequence[Sequence[Buffer]]) -> list[Buffer]:
    """Return one packet with the frames of several, in order; all are an acceptor's, whose packets have no token."""
    head = bytearray(packets[0][0])
    for packet in packets[1:]:
        head += memoryview(packet[0])[_HEAD.size :]
    return [head, *(segment for packet in packets for segment in packet[1:])]


def _refuse(reason: str) -> NoReturn:
    raise ProtocolError(f"a packet breaks the protocol: {reason}")


def packet_token(packet: Sequence[Buffer]) -> bytes:
    """Return a packet's token without reading further; empty where there is none or the packet is malformed."""
    head = memoryview(packet[0])[: _HEAD.size + TOKEN_SIZES[-1]] if packet else memoryview(b"")
    if len(head) < _HEAD.size:
        return b""
    _, _, size = _HEAD.unpack_from(head)
    return bytes(head[_HEAD.size :][:size]) if size in TOKEN_SIZES else b""


def parse_packet(packet: Sequence[Buffer]) -> tuple[bytes, list[Frame]]:
    """Return a packet's token and its frames; bodies are views on the packet's buffers.

    Raises
    ------
    ProtocolError
        The packet is malformed in any way.
    """
    if not 1 <= len(packet) <= MAX_BUFFERS:
        _refuse(f"it has {len(packet)} buffers")
    head = memoryview(packet[0])
    end = len(head)
    if end < _HEAD.size:
        _refuse(f"its head has {end} bytes")
    magic, layout, token_size = _HEAD.unpack_from(head)
    if magic != MAGIC or layout != LAYOUT:
        _refuse(f"it begins with {magic:#04x} and layout {layout}")
    at = _HEAD.size + token_size
    if (token_size and token_size not in TOKEN_SIZES) or at > end:
        _refuse(f"its token has {token_size} bytes")
    token = bytes(head[_HEAD.size : at])
    frames: list[Frame] = []
    segment = 1
    while at < end:
        if end - at < _FRAME.size:
            _refuse(f"{end - at} bytes are left over in its head")
        kind, flags, segments, length, seq, port = _FRAME.unpack_from(head, at)
        at += _FRAME.size
        body: Sequence[Buffer]
        if segments:
            body = packet[segment : segment + segments]
            segment += segments
            if len(body) != segments or sum(map(len, body)) != length:
                _refuse("the segments of a frame do not add up to its length")
        else:
            if end - at < length:
                _refuse(f"a body of {length} bytes is cut off")
            body = (head[at : at + length],) if length else ()
            at += length
        frames.append(_parse_frame(kind, flags, seq, port, body, length))
    if not frames:
        _refuse("it has no frame")
    if segment != len(packet):
        _refuse(f"{len(packet) - segment} segments are left over")
    return token, frames


def _parse_frame(kind: int, flags: int, seq: int, port: int, body: Sequence[Buffer], length: int) -> Frame:
    if seq > MAX_SEQ:
        _refuse(f"a sequence number is {seq}")
    if kind == _DATA:
        if flags > (_FIRST | _LAST) or not seq:
            _refuse(f"a DATA frame has flags {flags} and sequence number {seq}")
        return Data(seq, port, bool(flags & _FIRST), bool(flags & _LAST), body, length)
    if flags:
        _refuse(f"a frame of type {kind} has flags {flags}")
    if kind == _CLOSE:
        if not seq or length:
            _refuse("a CLOSE frame has no sequence number, or a body")
        return Close(seq, port)
    if port:
        _refuse(f"a frame of type {kind} names port {port}")
    if kind == _ACKNOWLEDGE:
        return _parse_ack(seq, body, length)
    if kind == _PING:
        if length:
            _refuse("a PING frame has a body")
        return Ping(seq)
    if kind not in (_HELLO, _WELCOME, _REFUSE, _END):
        _refuse(f"there is no frame of type {kind}")
    info = _parse_json(body, length)
    if kind == _END:
        code, message = info.get("code"), info.get("message")
        if not isinstance(code, str) or not isinstance(message, str):
            _refuse("an END frame has no code or no message")
        return End(seq, code, message)
    if seq:
        _refuse("a frame of the opening has a sequence number")
    return Hello(info) if kind == _HELLO else Welcome(info) if kind == _WELCOME else Refuse(info)


def _parse_ack(seq: int, body: Sequence[Buffer], length: int) -> Ack:
    data = b"".join(body)
    if length < _ACK.size:
        _refuse(f"an ACK frame has {length} bytes")
    cumulative, window, count, reserved = _ACK.unpack_from(data)
    if cumulative > MAX_SEQ or reserved or count > MAX_RANGES or length != _ACK.size + count * _RANGE.size:
        _refuse("an ACK frame has a field out of range")
    before = cumulative
    missing = []
    for first, last in _RANGE.iter_unpack(data[_ACK.size :]):
        # Apart: a number that has arrived lies between two ranges.
        if not before < first <= last <= MAX_SEQ:
            _refuse("the ranges of an ACK frame are not ascending and apart")
        before = last + 1
        missing.append((first, last))
    return Ack(seq, cumulative, window, tuple(missing))


def _parse_json(body: Sequence[Buffer], length: int) -> dict[str, Any]:
    if length > MAX_JSON:
        _refuse(f"a JSON body has {length} bytes")
    try:
        info = json.loads(b"".join(body).decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            f"a packet breaks the protocol: a JSON body cannot be parsed: {str(error)[:200]}"
        ) from error
    if not isinstance(info, dict):
        _refuse("a JSON body is no object")
    return info
