from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import varint


@given(st.integers(0, varint.MAX_VALUE), st.binary(max_size=5))
def test_what_is_written_is_read_back_from_any_offset(value: int, before: bytes) -> None:
    written = varint.encode(value)
    assert len(written) == varint.size(value)
    assert varint.decode(before + written + b"\xff", len(before)) == (value, len(before) + len(written))


@pytest.mark.parametrize("value", [-1, 1 << 63])
def test_a_value_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(InvalidInputError, match="2\\^63"):
        varint.encode(value)
    with pytest.raises(InvalidInputError, match="2\\^63"):
        varint.size(value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"\x80", "cut off"),
        (b"\x80\x00", "minimal"),
        (b"\xff" * 9, "longer"),
        (b"\x80" * 9, "longer"),
    ],
)
def test_bytes_that_no_encoder_writes_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        varint.decode(data)
