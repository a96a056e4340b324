"""Permission bits as ``chmod`` takes them: a number, octal digits, or symbols such as ``u+x,g=rw``."""

from __future__ import annotations

import re
from typing import Any, Final

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.inputs import mode_of
from ipfs_comm.unixfs.format import MODE_BITS

_CLAUSE: Final = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)")
_SHIFT: Final = {"u": 6, "g": 3, "o": 0}
_BIT: Final = {"r": 4, "w": 2, "x": 1}
_SET_ID: Final = {"u": 0o4000, "g": 0o2000, "o": 0}
_STICKY: Final = 0o1000
#: More clauses than this are no mode.
_MAX_TEXT: Final = 1024


class Mode:
    """A change of permission bits.

    Parameters
    ----------
    text : int or str
        Bits; octal digits; or clauses separated by commas, each ``[ugoa…][+-=][rwxXst…]`` as of POSIX ``chmod``
        (without a umask). ``X`` is ``x`` for directories and for what somebody may execute already.

    Raises
    ------
    InvalidInputError
        For anything else.
    """

    def __init__(self, text: Any) -> None:
        self._bits: int | None = None
        self._clauses: list[tuple[str, str, str]] = []
        if isinstance(text, str) and not text.isdigit():
            for part in text[:_MAX_TEXT].split(","):
                clause = _CLAUSE.fullmatch(part)
                if clause is None or len(text) > _MAX_TEXT:
                    raise InvalidInputError(
                        f"mode is {text[:80]!r}: give permission bits, octal digits such as '0644', or symbols such "
                        "as 'u+x,g=rw'",
                        code="ERR_INVALID_MODE",
                    )
                self._clauses.append((clause[1], clause[2], clause[3]))
            return
        bits = mode_of(text)
        if bits is None:
            raise InvalidInputError("mode is missing: give permission bits", code="ERR_INVALID_MODE")
        self._bits = bits & MODE_BITS

    def applied(self, bits: int, *, directory: bool) -> int:
        """Return the permission bits that `bits` become."""
        if self._bits is not None:
            return self._bits
        for who, operator, what in self._clauses:
            classes = "ugo" if not who or "a" in who else who
            chosen = cleared = 0
            for one in classes:
                for letter in what:
                    if letter == "s":
                        chosen |= _SET_ID[one]
                    elif letter == "t":
                        chosen |= _STICKY
                    elif letter != "X":
                        chosen |= _BIT[letter] << _SHIFT[one]
                    elif directory or bits & 0o111:
                        chosen |= 1 << _SHIFT[one]
                cleared |= 7 << _SHIFT[one]
            if operator == "+":
                bits |= chosen
            elif operator == "-":
                bits &= ~chosen
            else:
                bits = bits & ~cleared | chosen
        return bits
