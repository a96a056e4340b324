"""The primitives and simple objects of JavaScript that Python has no type of its own for."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ipfs_comm.errors import RemoteError

__all__ = [
    "ERROR_NAMES",
    "MAX_SAFE_INTEGER",
    "BigInt",
    "Boxed",
    "BytesLike",
    "DOMException",
    "Date",
    "JSError",
    "RegExp",
    "Transferable",
    "Undefined",
    "undefined",
]

BytesLike: TypeAlias = bytes | bytearray | memoryview

#: The largest integer that a JavaScript number holds together with its neighbours, 2^53 - 1.
MAX_SAFE_INTEGER: Final = 2**53 - 1

ERROR_NAMES: Final = ("Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError")


class Transferable:
    """Base of what can stand in a transfer list as an object of its own: a port."""

    __slots__ = ()


class Undefined:
    """The type of :data:`undefined`; there is one of it, and it is false."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "undefined"


#: JavaScript's ``undefined``. ``None`` is ``null``.
undefined: Final = Undefined()


class Date:
    """A Date that :class:`datetime.datetime` cannot hold: outside its years, or invalid.

    Parameters
    ----------
    ms : int or float
        Milliseconds since the epoch, at most 8.64e15 away from it; NaN for an invalid date.
    """

    __slots__ = ("__weakref__", "ms")

    def __init__(self, ms: float) -> None:
        self.ms = ms

    def __repr__(self) -> str:
        return f"Date({self.ms})"


class RegExp:
    """A regular expression in JavaScript's syntax."""

    __slots__ = ("__weakref__", "flags", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        self.source = source
        self.flags = flags

    def __repr__(self) -> str:
        return f"/{self.source}/{self.flags}"


class BigInt(int):
    """A BigInt that a JavaScript number could hold too; a plain int beyond 2^53 - 1 is a BigInt without it."""

    __slots__ = ()


class Boxed:
    """A Boolean, Number, String or BigInt *object* around a primitive."""

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: bool | float | str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Boxed({self.value!r})"


class JSError(RemoteError):
    """An Error object of JavaScript.

    Parameters
    ----------
    name : str
        One of Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError.
    properties : dict
        Those of ``message`` and ``stack`` (str) and ``cause`` (any value) that the object has of its own.
    """

    def __init__(self, name: str = "Error", properties: dict[str, Any] | None = None) -> None:
        super().__init__("", name=name)
        self.properties: dict[str, Any] = {}
        if properties:
            self.fill(properties)

    def rename(self, name: str) -> None:
        """Make it an error of another constructor."""
        self._name = name

    def fill(self, properties: dict[str, Any]) -> None:
        """Take the properties over; a cause that is an exception becomes the exception's cause in Python too."""
        self.properties = properties
        self.args = (properties.get("message", ""),)
        self.stack = properties.get("stack")
        cause = properties.get("cause")
        if isinstance(cause, BaseException) and cause is not self:
            self.__cause__ = cause

    @property
    def message(self) -> str:
        """The error's message, empty where it has none."""
        message: str = self.args[0]
        return message

    @property
    def cause(self) -> Any:
        """The error's cause; undefined where it has none."""
        return self.properties.get("cause", undefined)


class DOMException(RemoteError):  # noqa: N818  its name in the DOM
    """A DOMException of the page, such as AbortError."""

    def __init__(self, message: str = "", name: str = "Error") -> None:
        super().__init__(message, name=name)
        self.message = message
