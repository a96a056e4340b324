"""Errors across a port: class, code, detail, cause, and the errors that one stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import errors
from ipfs_comm.errors import (
    DeadlineError,
    InvalidInputError,
    IPFSCommError,
    LimitError,
    NoLinkError,
    NotFoundError,
    NotSupportedError,
    RemoteError,
)
from ipfs_comm.rpc.errors import decode_error, encode_error
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from ipfs_comm import IPFSClient


def crossed(error: BaseException) -> RemoteError:
    return decode_error(encode_error(error, "core.test"))


OWN = [
    kind
    for kind in (getattr(errors, name) for name in errors.__all__)
    if not issubclass(kind, errors.LinkError | errors.PageError | RemoteError) and kind is not IPFSCommError
]


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("code", [None, "ERR_OF_ITS_OWN"])
def test_every_error_of_a_node_keeps_its_class_code_and_message(kind: type[IPFSCommError], code: str | None) -> None:
    error = crossed(kind("what happened", code=code, detail={"cid": "bafkqaaa"}))
    assert isinstance(error, kind)
    assert isinstance(error, RemoteError)
    assert (error.code, str(error)) == (code or kind.code, "what happened")


def test_details_cross() -> None:
    assert crossed(NotFoundError("x", detail={"cid": "bafkqaaa", "at": [1, {"a": None}]})).detail == {
        "cid": "bafkqaaa",
        "at": [1, {"a": None}],
    }


@pytest.mark.parametrize("error", [InvalidInputError("x"), NotFoundError("x"), LimitError("x"), DeadlineError("x")])
def test_an_error_whose_code_says_its_class_travels_as_at_the_original(error: IPFSCommError) -> None:
    assert set(encode_error(error)) == {"name", "message", "stack", "code", "detail"}


def test_a_code_of_another_class_does_not_win_over_the_class() -> None:
    error = crossed(InvalidInputError("x", code="ERR_NOT_FOUND"))
    assert isinstance(error, InvalidInputError)
    assert not isinstance(error, NotFoundError)


@pytest.mark.parametrize("kind", ["RemoteError", "LinkError", "PageError", "IPFSCommError", "object", "", 7, None])
def test_a_kind_that_no_node_has_is_not_believed(kind: Any) -> None:
    error = decode_error({"name": "Error", "message": "x", "code": "ERR_NOT_FOUND", "kind": kind})
    assert type(error).__mro__[1:3] == (RemoteError, NotFoundError)


def test_causes_cross() -> None:
    error = NotFoundError("nobody has it")
    error.__cause__ = NotSupportedError("a gateway", code="ERR_DENIED")
    error.__cause__.__cause__ = OSError(5, "Input/output error", "/home/me/secret")
    first = crossed(error).__cause__
    assert isinstance(first, NotSupportedError)
    assert (str(first), first.code) == ("a gateway", "ERR_DENIED")
    assert isinstance(first.__cause__, RemoteError)
    assert (str(first.__cause__), first.__cause__.code) == ("OSError: Input/output error", "ERR_INTERNAL")


def test_a_cause_that_says_nothing_is_left_out() -> None:
    error = DeadlineError("too long")
    error.__cause__ = TimeoutError()
    assert "cause" not in encode_error(error)


def test_the_errors_of_a_group_cross() -> None:
    error = crossed(ExceptionGroup("several", [NoLinkError("one", code="ERR_X"), ValueError("two")]))
    one, two = error.errors
    assert isinstance(one, NoLinkError)
    assert str(two) == "ValueError: two"
    assert [str(each) for each in crossed(error).errors] == ["one", "ValueError: two"]


def test_few_errors_behind_one_are_sent_and_believed() -> None:
    error: IPFSCommError = NotFoundError("0")
    travelling: dict[str, Any] = {"message": "0"}
    for number in range(1, 50):
        error, behind = NotFoundError(str(number)), error
        error.__cause__ = behind
        travelling = {"message": str(number), "cause": travelling, "errors": [travelling] * 50}
    for found in (crossed(error), decode_error(travelling)):
        depth = 0
        cause: BaseException | None = found
        while (cause := cause.__cause__ if cause else None) is not None:
            depth += 1
        assert depth == 4
    assert len(decode_error(travelling).errors) == 16


def test_an_error_that_is_its_own_cause_can_be_sent() -> None:
    error = NotFoundError("round")
    error.__cause__ = error
    assert encode_error(error)["cause"]["message"] == "round"


@pytest.mark.parametrize("behind", [7, "x", None, clone.undefined, {"message": 7}, [], {"cause": 1, "errors": 2}])
def test_whatever_stands_behind_an_error_can_be_read(behind: Any) -> None:
    error = decode_error({"message": "x", "cause": behind, "errors": behind})
    assert str(error) == "x"
    assert isinstance(error.errors, tuple)


async def test_an_error_of_a_node_arrives_as_what_it_is(client: IPFSClient) -> None:
    root = await client.dag.put({"a": 1})
    await client.pin.add(root)
    with pytest.raises(InvalidInputError) as caught:
        await client.pin.add(root, recursive=False)
    assert caught.value.code == "ERR_ALREADY_PINNED"
