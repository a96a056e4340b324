"""What a port may ask for, and how much at a time: set in the kernel, and widened by nothing that a port brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, NotSupportedError

if TYPE_CHECKING:
    from ipfs_comm.rpc.method import Method

__all__ = ["DENIED", "Policy"]

#: Code of what a node could do and a port may not ask for.
DENIED: Final = "ERR_DENIED"
_MIB: Final = 2**20
#: Least and greatest value of each limit.
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "max_calls": (1, 65_536),
    "max_bytes": (_MIB, 2**53 - 1),
    "max_rate": (0.001, 1e9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one comm target's ports may ask for.

    Attributes
    ----------
    read_only : bool
        Refuse every method that changes the repository.
    namespaces : tuple of str or None
        Offer these only, with what is in them (``object`` has ``object.patch``); all where None.
    admin : bool
        Offer the methods that are for who runs the node, such as ``repo.gc``, ``config.set``, ``key.export``.
    max_calls : int
        Calls and streams that one port may have under way; one more is refused.
    max_bytes : int
        Bytes of one port's calls that may be held here: what came with calls under way, beyond which one is refused,
        and answers that wait to be sent, beyond which a call waits.
    max_rate : float or None
        Calls a second of one port, and how many it may begin at once; one more is refused. No limit where None.

    Raises
    ------
    InvalidInputError
        Something is of another type, or out of its range; the message names it.
    """

    read_only: bool = False
    namespaces: tuple[str, ...] | None = None
    admin: bool = False
    max_calls: int = 4096
    max_bytes: int = 256 * _MIB
    max_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("read_only", "admin"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInputError(f"{name} is {getattr(self, name)!r}: True or False is needed")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            kinds = (int, float) if name == "max_rate" else (int,)
            if value is None and name == "max_rate":
                continue
            if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
                raise InvalidInputError(f"{name} is {value!r}: a number from {least} to {most} is needed")
        object.__setattr__(self, "namespaces", _known(self.namespaces))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Policy:
        """Return the policy that a mapping of its attributes says.

        Raises
        ------
        InvalidInputError
            It has another member, or one that cannot be.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(given, Mapping) or (unknown := [str(name)[:40] for name in given if name not in names]):
            what = "it is no mapping" if not isinstance(given, Mapping) else f"it has {', '.join(unknown[:5])}"
            raise InvalidInputError(f"a policy says {', '.join(sorted(names))}, and {what}")
        return cls(**given)

    def offers(self, namespace: str) -> bool:
        """Tell whether a namespace is offered at all."""
        return self.namespaces is None or any(
            namespace == offered or namespace.startswith(f"{offered}.") for offered in self.namespaces
        )

    def allows(self, method: Method) -> bool:
        """Tell whether a method of a namespace that is offered may be called."""
        return not (method.writes and self.read_only) and (self.admin or not method.admin)

    def check(self, where: str, method: Method) -> None:
        """See that a method may be called.

        Raises
        ------
        NotSupportedError
            With code ``ERR_DENIED``: it may not.
        """
        if method.writes and self.read_only:
            raise NotSupportedError(f"{where} changes the repository, and this port is read-only", code=DENIED)
        if method.admin and not self.admin:
            raise NotSupportedError(
                f"{where} is for who runs the node, and this port may not call it: `%ipfs admin True` in the kernel "
                "allows it",
                code=DENIED,
            )


def _known(namespaces: Any) -> tuple[str, ...] | None:
    if namespaces is None:
        return None
    from ipfs_comm.rpc.services import NAMESPACES

    if isinstance(namespaces, str) or not all(isinstance(name, str) for name in namespaces):
        raise InvalidInputError(f"namespaces is {namespaces!r}: a list of names is needed")
    if unknown := sorted(set(namespaces) - NAMESPACES.keys()):
        raise InvalidInputError(f"there is no namespace {', '.join(unknown)}: choose from {', '.join(NAMESPACES)}")
    return tuple(namespaces)
