"""What ``pin`` and ``pin.remote`` are asked for, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import listed
from ipfs_comm.errors import InvalidInputError, LimitError, NotSupportedError
from ipfs_comm.node.api import PinEntry, PinInput
from ipfs_comm.node.target import one_cid
from ipfs_comm.pinning import STATUSES

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

__all__ = ["TYPES", "asked_cids", "asked_name", "asked_statuses", "pin_input", "refuse_replication"]

#: The types of pins, and all of them.
TYPES: Final = ("direct", "indirect", "recursive", "all")
#: Characters of a remote pin's name that the specification allows.
MAX_NAME: Final = 255
#: CIDs that one listing may be narrowed to.
MAX_CIDS: Final = 1000


def pin_input(given: Any) -> PinInput:
    """Return one root of what ``add_all`` and ``rm_all`` are given.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    if isinstance(given, PinInput):
        return given
    if isinstance(given, PinEntry):
        return PinInput(given.cid)
    if isinstance(given, Mapping) and "/" not in given:
        path = given.get("cid") if given.get("cid") is not None else given.get("path")
        if path is None:
            raise InvalidInputError(f"Unexpected input: a mapping of {listed(given)}: it needs cid or path")
        return PinInput(path, given.get("recursive", True), given.get("metadata"), given.get("name"))
    return PinInput(given)


def refuse_replication(verb: str, least: int | None, most: int | None) -> None:
    """Refuse what only an IPFS Cluster can do; None was not given.

    Raises
    ------
    NotSupportedError
        One was.
    """
    if least is not None or most is not None:
        raise NotSupportedError(
            f"{verb}: an embedded node is one alone, and keeps what it has once: replication_min and replication_max "
            "are for an IPFS Cluster, whose proxy is used with kind='kubo'"
        )


def asked_name(name: Any) -> str | None:
    """Return the name of a remote pin, checked.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    if name is not None and (not isinstance(name, str) or len(name) > MAX_NAME):
        raise InvalidInputError(f"the name of a remote pin is a text of at most {MAX_NAME} characters")
    return name


def asked_cids(cid: Any) -> list[CID]:
    """Return the CIDs that a query is narrowed to: none, one or several.

    Raises
    ------
    InvalidCIDError
        One is none.
    LimitError
        They are more than `MAX_CIDS`.
    """
    if cid is None:
        return []
    many = isinstance(cid, list | tuple | set | frozenset) or hasattr(cid, "__next__")
    found = [one_cid(one) for one in cid] if many else [one_cid(cid)]
    if len(found) > MAX_CIDS:
        raise LimitError(f"{len(found)} CIDs are too many for one query: at most {MAX_CIDS}")
    return found


def asked_statuses(status: Any) -> list[str]:
    """Return the statuses that a query is narrowed to, ``pinned`` where none was given.

    Raises
    ------
    InvalidInputError
        One is none.
    """
    if status is None:
        return ["pinned"]
    found = [status] if isinstance(status, str) else list(status)
    if unknown := [one for one in found if one not in STATUSES]:
        raise InvalidInputError(f"status {str(unknown[0])[:40]!r} is not valid: it is one of {', '.join(STATUSES)}")
    return list(dict.fromkeys(found))
