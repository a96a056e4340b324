"""Errors as they travel: ``{name, message, stack, code, detail}``, a plain object, and more where there is more.

``cause`` is the error behind this one and ``errors`` are those that it stands for together, in the same form. ``kind``
names our class where the code alone does not tell it: ``InvalidInputError`` of an ``ERR_ALREADY_PINNED``.
"""

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
#: How many errors behind an error are sent or believed, and how deep they may nest.
MAX_ERRORS = 16
MAX_CAUSES = 4
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
    return _encoded(error, where, MAX_CAUSES)


def _encoded(given: BaseException, where: str, depth: int) -> dict[str, Any]:
    error = given if isinstance(given, IPFSCommError) else _foreign(given)
    name = error.name if isinstance(error, RemoteError) else error.js_name or "Error"
    message = _message(error)[:MAX_TEXT]
    stack = getattr(error, "stack", None) or f"{name}: {message}" + (f"\n    at {where} (ipfs_comm)" if where else "")
    return {
        "name": name,
        "message": message,
        "stack": stack[:MAX_TEXT],
        "code": clone.undefined if error.code in _NO_CODE else error.code,
        "detail": clone.undefined if error.code in _NO_DETAIL or not error.detail else _plain(error.detail),
        **_kind(error),
        **_behind(given, depth),
    }


def _foreign(error: BaseException) -> IPFSCommError:
    if isinstance(error, BaseExceptionGroup):
        return IPFSCommError(f"{type(error).__name__}: {error.message}", code="ERR_INTERNAL")
    message = str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
    return IPFSCommError(f"{type(error).__name__}: {message}", code="ERR_INTERNAL")


def _kind(error: IPFSCommError) -> dict[str, Any]:
    """Return the name of our class, unless the code says it, or nothing is said of the error at all."""
    if error.code in _NO_CODE:
        return {}
    kind = next((c for c in type(error).__mro__ if c in _kinds().values()), None)
    return {} if kind is None or kind is _classes().get(error.code) else {"kind": kind.__name__}


def _behind(error: BaseException, depth: int) -> dict[str, Any]:
    """Return the errors behind one; an exception that says nothing, as that of a deadline, is left out."""
    if not depth:
        return {}
    found: dict[str, Any] = {}
    cause = error.__cause__
    if cause is not None and (isinstance(cause, IPFSCommError | BaseExceptionGroup) or str(cause)):
        found["cause"] = _encoded(cause, "", depth - 1)
    several = error.exceptions if isinstance(error, BaseExceptionGroup) else getattr(error, "errors", ())
    if several:
        found["errors"] = [_encoded(one, "", depth - 1) for one in several[:MAX_ERRORS]]
    return found


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
def _kinds() -> dict[str, type[IPFSCommError]]:
    """Return this package's own errors that can come from a node, by their names."""
    own = [getattr(errors, name) for name in errors.__all__]
    return {
        c.__name__: c
        for c in own
        if not issubclass(c, RemoteError | errors.LinkError | errors.PageError) and c is not IPFSCommError
    }


@cache
def _classes() -> dict[str, type[IPFSCommError]]:
    """Return them by their codes."""
    return {c.code: c for c in _kinds().values()}


_REMOTE: dict[str, type[RemoteError]] = {}


def _remote(kind: type[IPFSCommError]) -> type[RemoteError]:
    """Return the class of a remote error that is also a ``kind``, so ``except`` means the same at both ends."""
    if kind.__name__ not in _REMOTE:
        members = {"__doc__": f"A {kind.__name__} that happened at the other end of a port."}
        _REMOTE[kind.__name__] = type(f"Remote{kind.__name__}", (RemoteError, kind), members)
    return _REMOTE[kind.__name__]


def decode_error(travelling: object) -> RemoteError:
    """Return the exception that a travelling error stands for; whatever cannot be read of it is left out.

    An error of a kind or code of ours is also an instance of our class. What is behind it is its ``__cause__`` and its
    ``errors``.
    """
    return _decoded(travelling, MAX_CAUSES)


def _decoded(travelling: object, depth: int) -> RemoteError:
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
    kind = _kinds().get(text("kind") or "") or _classes().get(code or "")
    error = (RemoteError if kind is None else _remote(kind))(
        text("message") or "",
        name=text("name") or "Error",
        code=code or "",
        detail={_key(k): v for k, v in detail.items()} if isinstance(detail, Mapping) and not missing(detail) else None,
        stack=text("stack"),
    )
    several = travelling.get("errors")
    if depth and isinstance(several, list):
        error.errors = tuple(_decoded(one, depth - 1) for one in several[:MAX_ERRORS])
    if depth and not missing(cause := travelling.get("cause")):
        error.__cause__ = _decoded(cause, depth - 1)
    return error
