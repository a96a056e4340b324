"""What a pinning service answers, parsed; nothing of it is believed before.

IPFS Pinning Service API 1.0, schemas PinStatus, PinResults and Failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld import CID

__all__ = ["STATUSES", "Page", "PinStatus", "failure", "page", "status"]

#: What a pin may be, in the order in which it goes.
STATUSES: Final = ("queued", "pinning", "pinned", "failed")
#: Pins that one answer may hold, and characters of one text in it.
MAX_RESULTS: Final = 1000
MAX_TEXT: Final = 1024
#: Characters of what a service says that an error repeats.
MAX_SAID: Final = 200


@dataclass(frozen=True, slots=True)
class PinStatus:
    """One pin at a service.

    Attributes
    ----------
    request : str
        What the service calls it.
    status : str
        One of ``STATUSES``.
    cid : CID
    name : str
    created : str
        When, as the service wrote it.
    moment : datetime
        The same as a moment.
    details : str
        What the service says of the status.
    """

    request: str
    status: str
    cid: CID
    name: str
    created: str
    moment: datetime
    details: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some pins, the latest first, and how many there are of them altogether."""

    count: int
    pins: tuple[PinStatus, ...]


def status(body: bytes) -> PinStatus:
    """Parse one pin.

    Raises
    ------
    ValueError
        It is none; the text says why.
    """
    return _status(_json(body))


def page(body: bytes) -> Page:
    """Parse some pins.

    Raises
    ------
    ValueError
        It is something else.
    """
    found = _json(body)
    count, results = found.get("count"), found.get("results")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 2**53:
        raise ValueError("its count is no number")
    if not isinstance(results, list) or len(results) > MAX_RESULTS:
        raise ValueError(f"its results are no list of at most {MAX_RESULTS}")
    return Page(count, tuple(_status(one) for one in results))


def failure(body: bytes) -> str:
    """Return what an error of a service says, for people; nothing where it cannot be read."""
    try:
        error = _json(body).get("error")
    except ValueError:
        return ""
    if not isinstance(error, Mapping):
        return ""
    said = [error.get(name) for name in ("reason", "details")]
    return ": ".join(shown for text in said if isinstance(text, str) and (shown := _shown(text)))


def _status(found: object) -> PinStatus:
    if not isinstance(found, Mapping):
        raise ValueError("a pin is no object")
    pin = found.get("pin")
    if not isinstance(pin, Mapping):
        raise ValueError("a pin has no member pin")
    state = found.get("status")
    if state not in STATUSES:
        raise ValueError("a pin has no status of this protocol")
    request, created = _text(found, "requestid"), _text(found, "created")
    if not request:
        raise ValueError("a pin has no requestid")
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        raise ValueError("a pin has no time at which it was made") from None
    if moment.tzinfo is None:
        raise ValueError("the time at which a pin was made says no zone")
    try:
        cid = CID.parse(_text(pin, "cid"))
    except InvalidCIDError:
        raise ValueError("a pin has no CID") from None
    name = pin.get("name")
    info = found.get("info")
    details = info.get("status_details") if isinstance(info, Mapping) else None
    return PinStatus(
        request=request,
        status=str(state),
        cid=cid,
        name="" if name is None else _text(pin, "name"),
        created=created,
        moment=moment,
        details=_shown(details) if isinstance(details, str) else "",
    )


def _text(found: Mapping[str, Any], name: str) -> str:
    text = found.get(name)
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError(f"its {name} is no text of at most {MAX_TEXT} characters")
    return text


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text[:MAX_SAID]).strip()


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(found, Mapping):
        raise ValueError("it is no JSON object")
    return found
