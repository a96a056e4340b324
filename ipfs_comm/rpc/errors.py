"""Errors as they travel: ``{name, message, stack, code, detail}``, a plain object."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from ipfs_comm import errors
from ipfs_comm.errors import IPFSCommError, RemoteError
from ipfs_comm.rpc.values import missing, shown
from ipfs_comm.wire import clone

logger = logging.getLogger(__name__)

#: Longest texts of an error that are sent or believed, in characters.
MAX_TEXT = 65_536
#: How deep the containers of a detail may nest, and how many values it may have, for them to be sent.
MAX_DEPTH = 4
MAX_VALUES = 1024
#: Codes that the original sends with neither code nor detail, and those without detail: a client that compares whole
#: errors sees no difference.
_NO_CODE = frozenset({"", "ERR_UNKNOWN", "ERR_IS_DIRECTORY"})
_NO_DETAIL = _NO_CODE | {"ERR_NO_LINK", "ERR_TIMEOUT", "ERR_ABORTED"}


class UnknownMethodError(IPFSCommError):
    """A query for a method that is not served; on the wire a RangeError without a code, as in the original."""

    code = ""
    js_name = "RangeError"


def encode_error(error: BaseException, where: str = "") -> dict[str, Any]:
    """Return ``error`` in its travelling form.

    Parameters
    ----------
    error : exception
        Anything; an exception that is none of this package's is reported by type and text.
    where : str
        ``namespace.method``, for the stack. (A Python traceback would tell the page the kernel's paths.)
    """
    if not isinstance(error, IPFSCommError):
        message = str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
        error = IPFSCommError(f"{type(error).__name__}: {message}", code="ERR_INTERNAL")
    name = error.name if isinstance(error, RemoteError) else error.js_name or "Error"
    message = _message(error)[:MAX_TEXT]
    stack = getattr(error, "stack", None) or f"{name}: {message}" + (f"\n    at {where} (ipfs_comm)" if where else "")
    return {
        "name": name,
        "message": message,
        "stack": stack[:MAX_TEXT],
        "code": clone.undefined if error.code in _NO_CODE else error.code,
        "detail": clone.undefined if error.code in _NO_DETAIL or not error.detail else _plain(error.detail),
    }


def _message(error: IPFSCommError) -> str:
    """Return the error's text; of a missing link that which js-ipfs gives, for callers compare it."""
    if error.code == "ERR_NO_LINK" and {"segment", "cid"} <= error.detail.keys():
        return f'no link named "{error.detail["segment"]}" under {error.detail["cid"]}'
    return str(error)


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``detail`` with everything that is no plain value as text, so that the error can always be sent."""
    left = MAX_VALUES

    def one(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if value is None or isinstance(value, bool | int | float | str):
            return value
        # Parts may be shared: a detail of a few lists can stand for more values than there is memory.
        if not isinstance(value, Mapping | list | tuple) or depth == MAX_DEPTH or len(value) > left:
            return shown(value)
        if isinstance(value, Mapping):
            return {_key(k): one(v, depth + 1) for k, v in value.items()}
        return [one(v, depth + 1) for v in value]

    return {_key(k): one(v, 0) for k, v in detail.items()}


def _key(key: object) -> str:
    return key if isinstance(key, str) else shown(key)


@cache
def _classes() -> dict[str, type[IPFSCommError]]:
    """Return this package's own error of each code that can come from a node."""
    own = [getattr(errors, name) for name in errors.__all__]
    return {
        c.code: c
        for c in own
        if not issubclass(c, RemoteError | errors.LinkError | errors.PageError) and c is not IPFSCommError
    }


_REMOTE: dict[str, type[RemoteError]] = {}


def _remote(kind: type[IPFSCommError]) -> type[RemoteError]:
    """Return the class of a remote error that is also a ``kind``, so ``except`` means the same at both ends."""
    if kind.__name__ not in _REMOTE:
        members = {"__doc__": f"A {kind.__name__} that happened at the other end of a port."}
        _REMOTE[kind.__name__] = type(f"Remote{kind.__name__}", (RemoteError, kind), members)
    return _REMOTE[kind.__name__]


def decode_error(travelling: object) -> RemoteError:
    """Return the exception that a travelling error stands for; whatever cannot be read of it is left out.

    An error whose code is one of ours is also an instance of our class of that code.
    """
    if isinstance(travelling, RemoteError):
        return travelling
    if isinstance(travelling, BaseException):
        return RemoteError(str(travelling)[:MAX_TEXT], name=type(travelling).__name__)
    if not isinstance(travelling, Mapping):
        return RemoteError(f"the other end failed with {shown(travelling)}")

    def text(key: str) -> str | None:
        value = travelling.get(key)
        return value[:MAX_TEXT] if isinstance(value, str) else None

    code = text("code")
    detail = travelling.get("detail")
    kind = _classes().get(code) if code else None
    return (RemoteError if kind is None else _remote(kind))(
        text("message") or "",
        name=text("name") or "Error",
        code=code or "",
        detail={_key(k): v for k, v in detail.items()} if isinstance(detail, Mapping) and not missing(detail) else None,
        stack=text("stack"),
    )
