from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld import multibase


@given(st.sampled_from(sorted(multibase.BASES)), st.integers(0, 3), st.binary(max_size=150))
def test_every_base_reads_back_what_it_writes(base: str, zeros: int, data: bytes) -> None:
    text = multibase.encode(bytes(zeros) + data, base)
    assert multibase.decode_with_base(text) == (base, bytes(zeros) + data)


@given(st.sampled_from(sorted(multibase.BASES)), st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_typed_error(base: str, text: str) -> None:
    try:
        data = multibase.decode(multibase.BASES[base].prefix + text)
    except InvalidInputError:
        return
    again = multibase.encode(data, base)
    assert again.casefold() == (multibase.BASES[base].prefix + text).casefold()


@pytest.mark.parametrize(
    "text",
    [
        "b_",
        "ba",
        "bab",
        "b 2",
        "b+a",
        "c2",
        "cme",
        "cme=====",
        "f0",
        "f 0",
        "m9f",
        "mA",
        "MQQ",
        "MQQ=",
        "uA+",
        "z0",
        "zI",
        "k_1",
        "07",
        "01_0",
    ],
)
def test_text_that_no_encoder_writes_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        multibase.decode(text)


def test_an_unknown_base_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="base58btc"):
        multibase.encode(b"", "base62")


@pytest.mark.parametrize("base", ["base10", "base36", "base58btc"])
def test_a_base_whose_cost_is_quadratic_has_a_limit(base: str) -> None:
    with pytest.raises(LimitError):
        multibase.encode(bytes(multibase.MAX_POSITIONAL + 1), base)
    with pytest.raises(LimitError):
        multibase.decode(multibase.BASES[base].prefix + "1" * (multibase.MAX_POSITIONAL + 1))


@pytest.mark.parametrize("base", ["base10", "base36", "base58btc"])
def test_a_base_with_a_limit_works_up_to_it(base: str) -> None:
    data = b"\xff" * 1500
    assert multibase.decode(multibase.encode(data, base)) == data
