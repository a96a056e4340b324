"""Packets: the shared fixtures, and the laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.frame import (
    Ack,
    Close,
    Data,
    End,
    Frame,
    Hello,
    Ping,
    Refuse,
    Welcome,
    encode_packet,
    join_packets,
    packet_token,
    parse_packet,
)

CASES = json.loads((Path(__file__).parent.parent / "fixtures" / "wire" / "frames.json").read_text("utf-8"))["cases"]
VALID = [pytest.param(case, id=case["id"]) for case in CASES if "frames" in case]
HOSTILE = [pytest.param(case, id=case["id"]) for case in CASES if "error" in case]


def packet_of(case: dict[str, Any]) -> list[memoryview]:
    return [memoryview(bytes.fromhex(buffer)) for buffer in case["packet"]]


def described(frame: Frame) -> dict[str, Any]:
    match frame:
        case Hello(info) | Welcome(info) | Refuse(info):
            return {"type": type(frame).__name__.upper(), "info": info}
        case Data(seq, port, first, last, body, _):
            return {
                "type": "DATA",
                "seq": seq,
                "port": port,
                "first": first,
                "last": last,
                "body": b"".join(body).hex(),
            }
        case Close(seq, port, _):
            return {"type": "CLOSE", "seq": seq, "port": port}
        case Ack(seq, cumulative, window, missing):
            return {
                "type": "ACK",
                "seq": seq,
                "cumulative": cumulative,
                "window": window,
                "missing": [list(gap) for gap in missing],
            }
        case Ping(seq):
            return {"type": "PING", "seq": seq}
        case End(seq, code, message):
            return {"type": "END", "seq": seq, "code": code, "message": message}


@pytest.mark.parametrize("case", VALID)
def test_a_packet_means_what_the_fixture_says(case: dict[str, Any]) -> None:
    packet = packet_of(case)
    token, frames = parse_packet(packet)
    assert token.hex() == case["token"]
    assert packet_token(packet).hex() == case["token"]
    assert [described(frame) for frame in frames] == case["frames"]


@pytest.mark.parametrize("case", [parameter for parameter in VALID if parameter.values[0].get("canonical")])
def test_frames_become_exactly_the_fixtures_bytes(case: dict[str, Any]) -> None:
    token, frames = parse_packet(packet_of(case))
    assert [bytes(buffer).hex() for buffer in encode_packet(token, frames)] == case["packet"]


@pytest.mark.parametrize("case", HOSTILE)
def test_a_malformed_packet_is_a_protocol_error(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_packet(packet_of(case))
    assert caught.value.code == case["error"]


seqs = st.integers(1, 2**53 - 1)
ports = st.integers(0, 2**32 - 1)
bodies = st.lists(st.one_of(st.binary(min_size=1, max_size=40), st.integers(1, 3000).map(bytes)), max_size=4)
frames = st.one_of(
    st.builds(
        lambda seq, port, first, last, body: Data(seq, port, first, last, body, sum(map(len, body))),
        seqs,
        ports,
        st.booleans(),
        st.booleans(),
        bodies,
    ),
    st.builds(Close, seqs, ports),
    st.builds(Ping, st.integers(0, 2**53 - 1)),
    st.builds(End, seqs, st.text(), st.text()),
    st.builds(
        lambda seq, start, window, gaps: Ack(
            seq, start, window, tuple((start + 1 + 10 * n, start + 1 + 10 * n + gap) for n, gap in enumerate(gaps))
        ),
        seqs,
        st.integers(0, 2**50),
        ports,
        st.lists(st.integers(0, 8), max_size=64),
    ),
)


@given(st.one_of(st.just(b""), st.binary(min_size=16, max_size=64)), st.lists(frames, min_size=1, max_size=8))
def test_what_is_encoded_is_parsed_again(token: bytes, sent: list[Frame]) -> None:
    got_token, got = parse_packet(encode_packet(token, sent))
    assert got_token == token
    assert [described(frame) for frame in got] == [described(frame) for frame in sent]


@given(st.lists(st.lists(frames, min_size=1, max_size=4), min_size=1, max_size=4))
def test_packets_that_are_joined_hold_the_frames_of_all_in_order(sent: list[list[Frame]]) -> None:
    packets = [encode_packet(b"", each) for each in sent]
    before = [[bytes(buffer) for buffer in packet] for packet in packets]
    token, got = parse_packet(join_packets(packets))
    assert token == b""
    assert [described(frame) for frame in got] == [described(frame) for each in sent for frame in each]
    assert [[bytes(buffer) for buffer in packet] for packet in packets] == before


@given(st.lists(st.binary(max_size=80), max_size=4), st.booleans())
def test_any_bytes_are_a_packet_or_a_protocol_error(packet: list[bytes], plausible: bool) -> None:
    if plausible and packet:
        packet[0] = b"\xc9\x01\x00\x00" + packet[0]
    try:
        _, parsed = parse_packet(packet)
    except ProtocolError:
        return
    assert parsed


def test_a_long_body_is_not_copied() -> None:
    body = bytes(100_000)
    packet = encode_packet(b"", [Data(1, 0, True, True, [body], len(body))])
    _, (frame,) = parse_packet(packet)
    assert packet[1] is body
    assert isinstance(frame, Data)
    assert frame.body[0] is body
