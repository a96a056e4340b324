"""What a daemon's refusals are here: Kubo says everything in text, and with one code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import cut
from ipfs_comm.errors import (
    CodecError,
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
    PinningServiceError,
)

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.address import Address

__all__ = ["START", "read_only", "refusal"]

#: What to do where no daemon answers.
START: Final = (
    "start one with `ipfs daemon`, or give the address of another (kubo_api, in a kernel `%ipfs kubo_api ADDRESS`), or "
    "take the embedded node (kind='embedded', in a kernel `%ipfs node embedded`)"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a refusal is whose text has ``says`` in it."""

    says: re.Pattern[str]
    kind: type[IPFSCommError]
    code: str | None = None
    hint: str = ""
    #: Whether Kubo's text says all, and callers know it by heart.
    bare: bool = False


def _rule(
    says: str, kind: type[IPFSCommError], code: str | None = None, *, hint: str = "", bare: bool = False
) -> _Rule:
    return _Rule(re.compile(says, re.IGNORECASE | re.DOTALL), kind, code, hint and f"; {hint}", bare)


#: Commands whose daemon asks a pinning service.
_AT_SERVICES: Final = ("pin/remote/add", "pin/remote/ls", "pin/remote/rm")
_OFFLINE: Final = (
    "this daemon is offline: have it started without --offline, or use another of kind='kubo' that has peers"
)
_NO_DHT: Final = (
    "this daemon is offline, or its Routing.Type has no DHT: use another of kind='kubo' that has one, as with "
    "Routing.Type auto"
)
_PUBSUB: Final = (
    "use a daemon of kind='kubo' that is online, and whose configuration has Pubsub.Enabled, or Ipns.UsePubsub for "
    "names, or that is started with --enable-pubsub-experiment"
)
_AUTOCONF: Final = "use a daemon of kind='kubo' whose configuration does not disable AutoConf, or kind='embedded'"
#: A block that was not to be had.
_MISSING: Final = re.compile(r"could not find ([A-Za-z0-9]{2,200})\b")
#: The first that fits counts. Texts of Kubo 0.43; each is met in tests/kubo.
_RULES: Final = (
    _rule(r"no link named|no such link|no link by that name|^key not found: \"", NoLinkError, bare=True),
    _rule(r"no space left on device|would exceed the storage limit", NoSpaceError),
    # files
    _rule(r"use -r to remove directories", InvalidInputError, "ERR_WAS_DIR"),
    _rule(r"cannot delete root", InvalidInputError, "ERR_INVALID_PARAMS"),
    _rule(
        r"file already exists|already has entry by that name|cannot create directory '/'",
        InvalidInputError,
        "ERR_ALREADY_EXISTS",
    ),
    _rule(r"was not a file", NotUnixFSError, "ERR_NOT_FILE"),
    _rule(r"(was|is) not a directory|: not a directory|expected \*mfs", NotUnixFSError, "ERR_NOT_A_DIRECTORY"),
    _rule(r"must be a valid unixfs", NotUnixFSError),
    _rule(r"paths must (not be empty|start with)", InvalidPathError),
    _rule(r"offset was past end of file|(specify|have) (a )?negative", InvalidInputError),
    # pin
    _rule(r"already (pinned recursively|recursively pinned)", InvalidInputError, "ERR_ALREADY_PINNED"),
    _rule(r"'from' cid was not recursively pinned", NotFoundError, "ERR_NOT_PINNED"),
    _rule(r"is pinned recursively", InvalidInputError, "ERR_PINNED_RECURSIVELY"),
    _rule(r"not pinned|not part of the pinset", NotFoundError, "ERR_NOT_PINNED", bare=True),
    _rule(r"pin name is \d+ bytes", InvalidInputError),
    _rule(r"service already present", InvalidInputError, "ERR_SERVICE_ALREADY_EXISTS"),
    _rule(r"service not known", NotFoundError),
    _rule(r"service endpoint must be", InvalidInputError),
    _rule(r"multiple remote pins are matching", InvalidInputError, "ERR_MULTIPLE_PINS"),
    _rule(r"remote service failed to pin", PinningServiceError, "ERR_PIN_FAILED"),
    # key, name
    _rule(r"key (with name .* |by that name )already exists", InvalidInputError, "ERR_KEY_ALREADY_EXISTS"),
    _rule(r"no key (named|by the given name)|is not a known key", NotFoundError),
    _rule(r"unrecognized key type", InvalidInputError, "ERR_INVALID_KEY_TYPE"),
    _rule(r"rsa keys must be", InvalidInputError, "ERR_INVALID_KEY_SIZE"),
    _rule(r"key with name 'self'", InvalidInputError),
    _rule(r"recursion limit exceeded", LimitError, "ERR_RECURSION_LIMIT"),
    _rule(r"sequence number .*(greater|higher)|existing ipns record has sequence", InvalidInputError),
    _rule(r"could not resolve name|routing: not found|record not found", NotFoundError),
    # config, bootstrap
    _rule(r"failed to get config value|is not a profile", NotFoundError),
    _rule(
        r"failed to set config value|through API|cannot show or change|with '?`?config replace|config replace",
        InvalidInputError,
    ),
    _rule(r"autoconf is disabled|when using 'auto' placeholder", NotSupportedError, hint=_AUTOCONF),
    # peers
    _rule(r"can't ping self|invalid peer id|failed to parse (peer|multiaddr)", InvalidInputError),
    _rule(
        r"online mode|while offline: pass|cannot query information on remote peers", NotSupportedError, hint=_OFFLINE
    ),
    _rule(r"routing service is not a dht", NotSupportedError, hint=_NO_DHT),
    _rule(r"pubsub .*not enabled", NotSupportedError, hint=_PUBSUB),
    # blocks and paths
    _rule(r"block was not found locally|could not find|ipld: could not find node|file does not exist", NotFoundError),
    _rule(r"invalid cid|failed to parse cid", InvalidCIDError),
    _rule(r"invalid path|path does not have enough components|not a valid path", InvalidPathError),
    _rule(r"not unixfs|unrecognized (object )?type|is not a (file|directory)|is a directory", NotUnixFSError),
    _rule(r"not (yet )?supported|not enabled|command is disabled", NotSupportedError),
    _rule(r"too (large|big)|exceeds|over \d+\S*( limit|: big)|limit of", LimitError),
    # Of a CAR that was checked here, Kubo does not know how a block is written.
    _rule(r"import failed at block", CodecError),
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
            "credentials that its API.Authorizations allow, basic:user:password or bearer:token, in the kernel's "
            "environment (IPFS_COMM_KUBO_AUTH), or with `%ipfs kubo_auth`, which the notebook then keeps",
            code="ERR_DENIED",
            detail=detail,
        )
    if status in (404, 405) or 300 <= status < 400:
        return NotSupportedError(
            f"{command}: what answers at {address} has no such command ({status}): is it the RPC API of a Kubo 0.43 or "
            "newer? `ipfs config Addresses.API` tells where that is; its gateway is another",
            detail=detail,
        )
    if missing := _MISSING.search(message):
        detail["cid"] = missing[1]
    for rule in _RULES:
        if rule.says.search(message):
            where = "" if rule.bare else f"{command}: "
            return rule.kind(f"{where}{message}{rule.hint}", code=rule.code, detail=detail)
    if command in _AT_SERVICES:
        return PinningServiceError(f"{command}: {message or status}", detail=detail)
    if status == 400:
        return InvalidInputError(f"{command}: {message or said}", detail=detail)
    return DaemonError(f"{command}: the Kubo daemon at {address} refused: {message or status}", detail=detail)


def read_only(what: str) -> NotSupportedError:
    """Return the error of what would write through a node that was opened to read alone.

    Parameters
    ----------
    what : str
        The verb, ``"files.mkdir"``.
    """
    return NotSupportedError(
        f"{what} would write to the daemon's repository, and this node was opened read-only: open it with "
        "read_only=False",
        code="ERR_DENIED",
    )


def _message(said: str) -> str:
    try:
        told = json.loads(said)
    except ValueError:
        return said.strip()
    return str(told.get("Message", said)) if isinstance(told, dict) else said
