"""Every limit of a link: its name, its default, and what it may be set to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limits"]

_KIB: Final = 2**10
_MIB: Final = 2**20
_GIB: Final = 2**30
_YEAR: Final = 366 * 86_400

#: Least and greatest value of each limit.
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "window": (16 * _KIB, 2**32 - 1),
    "min_window": (1 * _KIB, 64 * _MIB),
    "min_fragment": (1 * _KIB, 1 * _MIB),
    "max_frames": (1, 4_096),
    "max_links": (1, 65_536),
    "max_ports": (1, 2**24),
    "max_message": (1 * _KIB, 2 * _GIB),
    "max_meta": (1 * _KIB, 256 * _MIB),
    "max_unfinished": (1 * _KIB, 2**53 - 1),
    "max_timeout": (0.25, 60),
    "ping_after": (0.01, _YEAR),
    "silence_after": (0.01, _YEAR),
    "expire_after": (0.02, _YEAR),
    "resume_within": (0, _YEAR),
    "idle_after": (0.02, _YEAR),
    "open_timeout": (0.01, _YEAR),
    "hello_within": (0.01, _YEAR),
    "farewell_within": (0, 60),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one end of a link; each end has its own. `docs/protocol.md`, section 6.

    Attributes
    ----------
    window : int
        Bytes of message bodies that may be on their way, in either direction; what the other end is granted.
    min_window : int
        Bytes that may be on their way however slow the road; what a link begins with.
    min_fragment : int
        Bytes of the least fragment into which messages are cut.
    max_frames : int
        Numbered frames unacknowledged at a time, where the carrier allows as many.
    max_links : int
        Links of one acceptor.
    max_ports : int
        Open ports of one link.
    max_message, max_meta : int
        Bytes of the buffers of a message, and of its JSON.
    max_unfinished : int
        Bytes of messages, over all ports of a link, of which only a part has come.
    max_timeout : float
        Seconds to which the timeout of what is in flight is doubled at most.
    ping_after : float
        Seconds of silence after which an end asks whether the other is there.
    silence_after : float
        Seconds without an answer after which a carrier counts as silent, and another is tried beside it.
    expire_after : float
        Seconds of silence after which a link ends with ``ERR_TIMEOUT``.
    resume_within : float
        Seconds that a link lives without a carrier; then it ends with ``ERR_CARRIER``.
    idle_after : float
        Seconds with nothing but questions and answers after which a link ends with ``ERR_TIMEOUT``.
    open_timeout : float
        Seconds that opening a link may take.
    hello_within : float
        Seconds after which an acceptor closes a carrier on which no link was opened.
    farewell_within : float
        Seconds for which the end of a link is told again while nobody confirms it.

    Raises
    ------
    InvalidInputError
        A limit is of another type, or out of its range; the message names it.
    """

    window: int = 64 * _MIB
    min_window: int = 64 * _KIB
    min_fragment: int = 16 * _KIB
    max_frames: int = 256
    max_links: int = 64
    max_ports: int = 65_536
    max_message: int = 2 * _GIB
    max_meta: int = 256 * _MIB
    max_unfinished: int = 4 * _GIB
    max_timeout: float = 2
    ping_after: float = 30
    silence_after: float = 5
    expire_after: float = 120
    resume_within: float = 60
    idle_after: float = 86_400
    open_timeout: float = 10
    hello_within: float = 60
    farewell_within: float = 3

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (least, most) = getattr(self, field.name), _RANGES[field.name]
            whole = isinstance(field.default, int) and field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                kind = "a whole number" if whole else "a number of seconds"
                raise InvalidInputError(f"the limit {field.name} is {kind}, not {value!r}")
            # Also false for NaN.
            if not least <= value <= most:
                raise InvalidInputError(
                    f"the limit {field.name} is at least {least:g} and at most {most:g}, not {value!r}"
                )

    @classmethod
    def of(cls, given: Limits | Mapping[str, Any] | None) -> Limits:
        """Return limits from what a user gave: limits, some of them by name, or nothing.

        Raises
        ------
        InvalidInputError
            There is no limit of that name, or it cannot have that value.
        """
        if isinstance(given, Limits):
            return given
        names = {field.name for field in fields(cls)}
        unknown = sorted(str(name) for name in set(given or ()) - names)
        if unknown:
            raise InvalidInputError(f"there is no limit {unknown[0]!r}; there are {', '.join(sorted(names))}")
        return cls(**(given or {}))
