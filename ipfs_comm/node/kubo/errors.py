"""What a daemon's refusals are here: Kubo says everything in text, and with one code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import cut
from ipfs_comm.errors import (
    DaemonError,
    InvalidCIDError,
    InvalidInputError,
    InvalidPathError,
    IPFSCommError,
    LimitError,
    NoLinkError,
    NoSpaceError,
    NotFoundError,
    NotSupportedError,
    NotUnixFSError,
)

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.address import Address

__all__ = ["refusal"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a refusal is whose text has ``says`` in it."""

    says: re.Pattern[str]
    kind: type[IPFSCommError]
    code: str | None = None


def _rule(says: str, kind: type[IPFSCommError], code: str | None = None) -> _Rule:
    return _Rule(re.compile(says, re.IGNORECASE), kind, code)


#: The first that fits counts. Texts of Kubo 0.43; each is met in tests/kubo.
_RULES: Final = (
    _rule(r"no link named|no such link|no link by that name", NoLinkError),
    _rule(r"no space left on device|would exceed the storage limit", NoSpaceError),
    _rule(r"block was not found locally|could not find|ipld: could not find node|file does not exist", NotFoundError),
    _rule(r"not pinned", NotFoundError, "ERR_NOT_PINNED"),
    _rule(r"invalid cid|failed to parse cid", InvalidCIDError),
    _rule(r"invalid path|path does not have enough components|not a valid path", InvalidPathError),
    _rule(r"not unixfs|unrecognized (object )?type|is not a (file|directory)|is a directory", NotUnixFSError),
    _rule(r"online mode|not (yet )?supported|not enabled|command is disabled", NotSupportedError),
    _rule(r"too (large|big)|exceeds|over (\d+\S*) limit|limit of", LimitError),
)


def refusal(command: str, status: int, said: str, address: Address) -> IPFSCommError:
    """Return the error for what a daemon answered.

    Parameters
    ----------
    command : str
        Which was called.
    status : int
        HTTP status of the answer.
    said : str
        Its body, or a trailer.
    address : Address
        Of the daemon.
    """
    message = _message(said)
    detail: dict[str, Any] = {"command": command, "status": status, "address": str(address)}
    if status in (401, 403):
        return DaemonError(
            f"{command}: the Kubo daemon at {address} does not let us call it ({status} {cut(message, 200)}): give "
            "credentials that its API.Authorizations allow, with `%ipfs kubo_auth basic:user:password` or "
            "IPFS_COMM_KUBO_AUTH",
            code="ERR_DENIED",
            detail=detail,
        )
    if status in (404, 405) or 300 <= status < 400:
        return NotSupportedError(
            f"{command}: what answers at {address} has no such command ({status}): is it the RPC API of a Kubo 0.43 or "
            "newer?",
            detail=detail,
        )
    for rule in _RULES:
        if rule.says.search(message):
            return rule.kind(f"{command}: {message}", code=rule.code, detail=detail)
    if status == 400:
        return InvalidInputError(f"{command}: {message or said}", detail=detail)
    return DaemonError(f"{command}: the Kubo daemon at {address} refused: {message or status}", detail=detail)


def _message(said: str) -> str:
    try:
        told = json.loads(said)
    except ValueError:
        return said.strip()
    return str(told.get("Message", said)) if isinstance(told, dict) else said
