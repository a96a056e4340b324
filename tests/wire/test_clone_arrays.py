"""Numbers in memory: bytes-like objects and numpy arrays on their way to typed arrays and back."""

from __future__ import annotations

import array
import ctypes
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from wire.support import Inbox, through

from ipfs_comm.errors import DataCloneError
from ipfs_comm.wire import MessageChannel, clone

DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: npst.arrays(st.sampled_from([f"<{dtype}", f">{dtype}"]), st.integers(0, 40))
    ),
    st.sampled_from([1, 2, -1]),
)
def test_any_numpy_array_arrives_with_its_numbers(numbers: np.ndarray[Any, Any], step: int) -> None:
    sent = numbers[::step]
    arrived = np.asarray(through(sent))
    assert arrived.dtype == sent.dtype.newbyteorder("=")
    assert np.array_equal(arrived, sent, equal_nan=sent.dtype.kind == "f")


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_looks_at_what_arrived_without_copying_it(dtype: str) -> None:
    arrived = through(np.arange(4).astype(dtype))
    memory = arrived.data if isinstance(arrived, clone.View) else arrived
    assert np.asarray(arrived).ctypes.data == np.frombuffer(memory, "u1").ctypes.data


def test_a_contiguous_array_that_is_given_away_is_not_copied() -> None:
    for numbers in (np.arange(10, dtype="<f8"), np.arange(10, dtype="u1")):
        (data,) = clone.encode(numbers, owned=[numbers]).buffers
        assert np.frombuffer(data, "u1").ctypes.data == numbers.ctypes.data


def test_an_array_that_is_not_given_away_may_change_afterwards() -> None:
    numbers = np.arange(3, dtype="i4")
    (data,) = clone.encode(numbers).buffers
    numbers[:] = 7
    assert np.frombuffer(data, "<i4").tolist() == [0, 1, 2]


async def test_a_numpy_array_can_stand_in_the_transfer_list() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port2)
    numbers = np.arange(1000, dtype="f8")
    channel.port1.post_message({"numbers": numbers}, [numbers])
    (message,) = await inbox.take()
    assert np.asarray(message["numbers"]).ctypes.data == numbers.ctypes.data


def test_a_strided_array_cannot_be_given_away() -> None:
    numbers = np.arange(10)[::2]
    with pytest.raises(DataCloneError, match="strided"):
        clone.encode([numbers], owned=[numbers])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.array(5), "0 dimensions.*value.item()"),
        (np.zeros((2, 3)), "2 dimensions.*ravel"),
        (np.array([object()]), "format 'O'"),
        (np.array(["text"]), "format '4w'"),
        (np.array([1j]), "format 'Zd'"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "typed array"),
        (np.array(["2024-02-29"], dtype="M8[D]"), "cannot be read"),
        (np.datetime64("2024-02-29"), "datetime64 is no number"),
        (np.complex64(1j), "complex64 is no number"),
        (np.ma.array([1, 2], mask=[True, False]), "masked array.*filled"),
        (np.zeros(2, np.longdouble), "format 'g'"),
    ],
)
def test_what_is_no_typed_array_is_refused_with_its_path_and_what_to_do(value: Any, says: str) -> None:
    with pytest.raises(DataCloneError, match=says) as caught:
        clone.encode({"plot": [value]})
    assert caught.value.detail["path"] == "message.plot[0]"


@pytest.mark.parametrize(
    ("scalar", "plain"),
    [
        (np.int64(5), 5),
        (np.uint8(5), 5),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.bool_(True), True),
        (np.int64(2**60), 2**60),
    ],
)
def test_a_scalar_of_numpy_is_a_number(scalar: Any, plain: Any) -> None:
    (arrived,) = through([scalar])
    assert arrived == plain
    assert type(arrived) is type(plain)


def test_scalars_of_numpy_are_the_same_keys_as_numbers() -> None:
    assert len(clone.Map([(np.int64(1), "a"), (1, "b"), (np.float64(1.0), "c")])) == 1


def test_arrays_of_the_standard_library_and_of_ctypes_arrive_as_views() -> None:
    assert through(array.array("d", [0.5, -1])).tolist() == [0.5, -1.0]
    assert through((ctypes.c_long * 2)(1, -1)).tolist() == [1, -1]
    assert through((ctypes.c_uint16 * 2)(1, 65535)).tolist() == [1, 65535]


@pytest.mark.parametrize("kind", ["Float16Array", "Uint8ClampedArray", "DataView", "Int16Array"])
def test_numpy_reads_a_view_that_python_has_no_memoryview_for(kind: str) -> None:
    view = clone.View(kind, clone.ArrayBuffer(bytes(range(16))), 4, 3)
    assert np.asarray(view).nbytes == len(view.data)
    assert np.asarray(view).tobytes() == bytes(view)


def test_numpy_reads_an_image_as_rows_of_pixels() -> None:
    image = clone.ImageData(clone.View("Uint8ClampedArray", clone.ArrayBuffer(bytes(range(24)))), 3, 2)
    arrived = through(image)
    assert (arrived.width, arrived.height, arrived.color_space) == (3, 2, "srgb")
    assert np.asarray(arrived).shape == (2, 3, 4)
    assert np.asarray(arrived)[1, 0].tolist() == [12, 13, 14, 15]


def test_a_released_memoryview_is_refused() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(DataCloneError, match="released"):
        clone.encode(view)


def test_numpy_is_not_imported_for_values_that_are_not_its_own() -> None:
    program = """
import sys
from ipfs_comm.wire import clone
clone.encode([b"1", bytearray(b"2"), memoryview(b"3"), {"a": 1.5}, {1: 2}, clone.Set([1])])
try:
    clone.encode(object())
except Exception as error:
    assert type(error).__name__ == "DataCloneError", error
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
