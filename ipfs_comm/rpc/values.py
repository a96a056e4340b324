"""Parsing of what a message holds: everything in it is hostile until it has passed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.wire import clone

#: Makes a value of the node's API out of one of the wire's; raises ValueError or TypeError for what it refuses.
Parser: TypeAlias = Callable[[Any], Any]
#: The options of one method: the wire's name, the node's name, and the parser.
Options: TypeAlias = Mapping[str, tuple[str, Parser]]

#: Characters of a long text, and levels of a JSON value, at most.
MAX_TEXT = 1 << 20
MAX_DEPTH = 64


def missing(value: object) -> bool:
    """Tell whether a member is undefined, null or absent, which all mean the default."""
    return value is None or value is clone.undefined


def bytes_like(value: object) -> memoryview | None:
    """Return the bytes of a Uint8Array, another view or an ArrayBuffer, flat; None for anything else."""
    if isinstance(value, clone.ArrayBuffer | clone.View):
        value = value.data
    if isinstance(value, bytes | bytearray | memoryview):
        return memoryview(value).cast("B") if memoryview(value).nbytes else memoryview(b"")
    return None


def shown(value: object) -> str:
    """Return a primitive as a message may quote it, and of anything else the type's name.

    The text of a value with shared parts can be exponentially longer than the message that brought it.
    """
    if isinstance(value, str):
        return repr(value[:80])
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return repr(int(value)) if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"
    return f"a {type(value).__name__}"


def utf8(text: str) -> bytes:
    """Return ``text`` as a TextEncoder encodes it: a lone surrogate becomes U+FFFD (Encoding Standard)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def flag(value: Any) -> bool:
    """Parse a boolean."""
    if isinstance(value, bool):
        return value
    raise TypeError("a boolean is needed")


def integer(value: Any) -> int:
    """Parse an integer that JavaScript can hold exactly."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    raise TypeError("an integer is needed")


def wide(value: Any) -> int:
    """Parse an integer of at most 64 bits, as a BigInt holds it."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64:
        return int(value)
    raise TypeError("an integer of at most 64 bits is needed")


def natural(value: Any) -> int:
    """Parse an integer from zero."""
    number = integer(value)
    if number < 0:
        raise ValueError("a number from zero is needed")
    return number


def bound(value: Any) -> int | None:
    """Parse a number from zero where Infinity means no bound."""
    return None if value == float("inf") else natural(value)


def threshold(value: Any) -> int:
    """Parse a number from zero where Infinity means more than there will ever be."""
    return 2**53 if value == float("inf") else natural(value)


def text(value: Any) -> str:
    """Parse a short text."""
    if isinstance(value, str) and len(value) <= 4096:
        return value
    raise TypeError("a text of at most 4096 characters is needed")


def number(value: Any) -> int | float:
    """Parse a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number is needed")
    return value


def long_text(value: Any) -> str:
    """Parse a text that may be a key or a document."""
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    raise TypeError(f"a text of at most {MAX_TEXT} characters is needed")


def mtime(value: Any) -> Any:
    """Parse a time in any of js-ipfs's forms."""
    from ipfs_comm.node.inputs import mtime_of

    return mtime_of(value)


def milliseconds(value: Any) -> float | None:
    """Parse a timeout: milliseconds on the wire, or text such as ``2s``; seconds in the node. Infinity is none."""
    if isinstance(value, str):
        from ipfs_comm.node.duration import duration

        return max(duration("timeout", value).total_seconds(), 1e-6)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise TypeError("milliseconds are needed")
    return None if value == float("inf") else max(value / 1000, 1e-6)


def mode(value: Any) -> int | str:
    """Parse permission bits: a number, or octal digits."""
    if isinstance(value, str):
        return text(value)
    return natural(value)


def parsed(value: Any, parser: Parser, what: str) -> Any:
    """Return what ``parser`` makes of ``value``.

    Raises
    ------
    InvalidInputError
        Where the parser refuses it; ``what`` says what it would have been.
    """
    try:
        return parser(value)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{what} is {shown(value)}: {error}") from error


def parse(given: object, table: Options, method: str) -> dict[str, Any]:
    """Return the options of ``given`` that ``table`` names, under the node's names.

    Members that the table does not name are left out, and so are those that are undefined or null.

    Raises
    ------
    InvalidInputError
        For a value that its parser refuses.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"{method}: the input is a {type(given).__name__}, an object is needed")
    options: dict[str, Any] = {}
    for name, (ours, parser) in table.items():
        value = given.get(name)
        if missing(value):
            continue
        options[ours] = parsed(value, parser, f"{method}: option {name}")
    return options
