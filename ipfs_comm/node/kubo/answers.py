"""What a daemon says, read member by member: each is of the type and size that it is used with, or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ipfs_comm._shown import shown
from ipfs_comm.errors import DaemonError, InvalidInputError
from ipfs_comm.ipld import CID, multibase

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Said", "check_count"]

_MOST_NUMBER = 1 << 64


class Said:
    """One JSON object of an answer.

    What is absent or null has the default of its type: Kubo leaves out what is empty.

    Parameters
    ----------
    command : str
        Which was called, for errors.
    value : object
        What JSON gave.

    Raises
    ------
    DaemonError
        It is no object; so do its methods, where a member is something else than is needed.
    """

    __slots__ = ("_command", "_members")

    def __init__(self, command: str, value: Any) -> None:
        self._command = command
        if not isinstance(value, dict):
            raise DaemonError(f"{command}: the daemon's answer is no object but {shown(value)}")
        self._members: dict[str, Any] = value

    def _wrong(self, name: str, what: str) -> NoReturn:
        raise DaemonError(
            f"{self._command}: {name} is {shown(self._members.get(name))} in the daemon's answer, and not {what}: is "
            "it a Kubo 0.43 or newer?",
            detail={"command": self._command, "member": name},
        )

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    @property
    def members(self) -> dict[str, Any]:
        """The object as it is."""
        return self._members

    def value(self, name: str) -> Any:
        """Return a member as it is, which must be there."""
        if name not in self._members:
            self._wrong(name, "there at all")
        return self._members[name]

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; one must be there where no default is given."""
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self._wrong(name, "text")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; false where absent."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            self._wrong(name, "true or false")
        return bool(value)

    def whole(self, name: str, *, least: int = 0) -> int:
        """Return a whole number from ``least``; 0 where absent."""
        value = self._members.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < _MOST_NUMBER:
            self._wrong(name, f"a whole number from {least}")
        return value

    def number(self, name: str) -> float:
        """Return a number; 0 where absent."""
        value = self._members.get(name)
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(name, "a number")
        try:
            return float(value)
        except OverflowError:
            self._wrong(name, "a number")

    def cid(self, name: str) -> CID:
        """Return a CID that is written as text, or as a link of DAG-JSON."""
        value = self._members.get(name)
        try:
            return _cid(value)
        except (InvalidInputError, TypeError):
            self._wrong(name, "a CID")

    def cids(self, name: str) -> list[CID]:
        """Return a list of CIDs; none where absent."""
        try:
            return [_cid(one) for one in self.items(name)]
        except (InvalidInputError, TypeError):
            self._wrong(name, "a list of CIDs")

    def bytes(self, name: str) -> bytes:
        """Return bytes that are written in a multibase; none where absent or empty."""
        try:
            text = self.text(name, "")
            return multibase.decode(text) if text else b""
        except InvalidInputError:
            self._wrong(name, "text in a multibase")

    def items(self, name: str) -> list[Any]:
        """Return a list of anything; an empty one where absent."""
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(name, "a list")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; an empty one where absent."""
        found = self.items(name)
        if not all(isinstance(one, str) for one in found):
            self._wrong(name, "a list of texts")
        return found

    def each(self, name: str) -> Iterator[Said]:
        """Iterate over a list of objects; an empty one where absent."""
        for one in self.items(name):
            yield Said(self._command, one)

    def object(self, name: str) -> dict[str, Any]:
        """Return an object as it is; an empty one where absent."""
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong(name, "an object")
        return value

    def inner(self, name: str) -> Said:
        """Return an object, to be read member by member; an empty one where absent."""
        return Said(self._command, self.object(name))


def check_count(command: str, told: int, least: int, of: object) -> None:
    """Check that a daemon has told of all that there is, as far as that is known.

    Parameters
    ----------
    command : str
    told, least : int
        Of how many it has, and how many there are at least.
    of : object
        What they are in, for the error.

    Raises
    ------
    DaemonError
        It has told of fewer: what went wrong it says behind its answer, where something between may drop it.
    """
    if told < least:
        raise DaemonError(f"{command}: the daemon tells of {told} entries of {of}, which has {least} or more")


def _cid(value: Any) -> CID:
    if isinstance(value, dict):
        value = value.get("/")
    if not isinstance(value, str):
        raise TypeError
    return CID.parse(value)
