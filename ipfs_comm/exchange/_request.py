"""One request to one trustless gateway: a raw block, bounded and verified, or what was wrong with the answer.

Trustless Gateway Specification, "Block Responses (application/vnd.ipld.raw)".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import HashMismatchError
from ipfs_comm.exchange.addresses import names_private
from ipfs_comm.ipld import multihash

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

__all__ = ["HEADERS", "RefusedError", "request_block"]

#: A compressed answer could be any number of times larger than what came, so none is asked for.
HEADERS: Final = {"Accept": "application/vnd.ipld.raw", "Accept-Encoding": "identity"}
MAX_REDIRECTS: Final = 3
_HOST: Final = re.compile(r"[0-9a-z._-]+|[0-9a-f:.]+")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Statuses by which a gateway says that it does not have a block, or will not give it: no fault of the gateway.
_DECLINES: Final = frozenset({403, 404, 410, 412, 451})


@dataclass
class RefusedError(Exception):
    """A request that brought no block.

    Parameters
    ----------
    said : str
        What the gateway said, for people.
    blame : bool
        Whether the gateway failed, and is to be left alone for a while.
    again : bool
        Whether the same gateway may give the block a little later.
    after : float
        Seconds for which the gateway wants to be, or should be, left alone at least.
    absent : bool
        Whether there was nobody to ask.
    """

    said: str
    blame: bool = True
    again: bool = False
    after: float = 0.0
    absent: bool = False


async def request_block(session: Any, address: str, cid: CID, *, run: multihash.Run) -> bytes:
    """Ask one gateway for a block.

    Parameters
    ----------
    session : aiohttp.ClientSession
    address : str
        The gateway, as ``addresses.parse`` gives it.
    cid : CID
    run : async callable
        Runs a slow hash function beside the loop, as a pool's ``run`` does.

    Returns
    -------
    bytes
        Verified against ``cid``.

    Raises
    ------
    RefusedError
        The gateway answered, but not with the block.
    aiohttp.ClientError, TimeoutError, OSError
        It did not answer.
    """
    url = f"{address}/ipfs/{cid}?format=raw"
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, headers=HEADERS, allow_redirects=False) as response:
            if response.status in _REDIRECTS:
                url = _redirected(url, response.headers.get("Location", ""))
                continue
            if response.status != 200:
                raise _refusal(response)
            data = await _body(response)
        try:
            await multihash.verify_beside(run, cid.multihash, data)
        except HashMismatchError:
            raise RefusedError(f"sent {len(data)} bytes that are not the block", after=60.0) from None
        return data
    raise RefusedError(f"redirected more than {MAX_REDIRECTS} times")


async def _body(response: Any) -> bytes:
    too_large = RefusedError(f"sent more than {MAX_BLOCK_SIZE} bytes, which no block has", after=60.0)
    if (response.content_length or 0) > MAX_BLOCK_SIZE:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > MAX_BLOCK_SIZE:
            raise too_large
        pieces.append(piece)
    return b"".join(pieces)


def _refusal(response: Any) -> RefusedError:
    said = f"HTTP {response.status}"
    if reason := "".join(character for character in response.reason or "" if character.isprintable())[:40]:
        said += f" {reason}"
    if response.status in _DECLINES:
        return RefusedError(said, blame=False)
    busy = response.status == 429 or response.status >= 500
    return RefusedError(said, blame=busy, again=busy, after=_retry_after(response.headers.get("Retry-After", "")))


def _retry_after(text: str) -> float:
    """Return the seconds of a Retry-After header, whichever of its two forms it has; 0 for neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _redirected(here: str, location: str) -> str:
    """Return where a redirect leads.

    Raises
    ------
    RefusedError
        If it leads nowhere, to another scheme (https in place of http will do), or into a private network, whose
        servers a stranger could reach so. A host and the names below it are one gateway (Subdomain Gateway
        Specification).
    """
    try:
        there = urljoin(here, location)
        old, new = urlsplit(here), urlsplit(there)
        old_host, new_host = old.hostname or "", new.hostname or ""
    except ValueError:
        raise RefusedError("redirected to what is no address") from None
    # A host that is spelled otherwise could be another one for whoever connects to it.
    if not location or new.username is not None or not _HOST.fullmatch(new_host):
        raise RefusedError("redirected to what is no address")
    if new.scheme not in ("https", old.scheme):
        raise RefusedError(f"redirected from {old.scheme} to {new.scheme[:20]}")
    if new_host != old_host and not new_host.endswith(f".{old_host}") and names_private(new_host):
        raise RefusedError("redirected into a private network")
    return there
