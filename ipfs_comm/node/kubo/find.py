"""Which daemon to use: the one that was named, or the one that is this user's own."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import DaemonError, IPFSCommError, UnreachableError
from ipfs_comm.node.kubo.address import Address, Credentials
from ipfs_comm.node.kubo.rpc import Rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Found", "NoDaemonError", "named", "own"]

#: Seconds for a daemon to say who it is.
PATIENCE: Final = 10.0
#: Bytes of a repository's files that are read.
_MOST: Final = 2**20


class NoDaemonError(Exception):
    """Why there is no daemon that this user may be taken to mean."""


@dataclass(frozen=True, slots=True)
class Found:
    """A daemon that answers.

    Attributes
    ----------
    rpc : Rpc
    why : str
        How it was found, for people.
    """

    rpc: Rpc
    why: str


@asynccontextmanager
async def _closed_on_error(rpc: Rpc) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await rpc.close()
        raise


async def named(address: str, credentials: str | None, why: str) -> Found:
    """Return the daemon at an address that somebody gave.

    Parameters
    ----------
    address : str
        A URL or a multiaddr.
    credentials : str or None
        ``basic:user:password`` or ``bearer:token``; in place of those in a URL.
    why : str
        Who gave the address.

    Raises
    ------
    InvalidInputError
        It is no address, or these are no credentials.
    UnreachableError
        Nothing answers there.
    DaemonError
        It does not let us in.
    """
    place, inside = Address.parse(address)
    rpc = Rpc(place, Credentials.parse(credentials) if credentials else inside)
    async with _closed_on_error(rpc):
        await _peer_id(rpc)
    return Found(rpc, why)


async def own(credentials: str | None) -> Found:
    """Return the daemon of this user's own repository, ``$IPFS_PATH`` or ``~/.ipfs``.

    Its file ``api`` must be this user's, and what answers there must have the PeerID of the repository's
    configuration: on a host of many users an old address may be another's by now. Credentials go there only after that,
    so a daemon that tells nobody its PeerID without them is found only where its address is given.

    Raises
    ------
    NoDaemonError
        There is none, and why.
    """
    repository = Path(os.environ.get("IPFS_PATH") or Path.home() / ".ipfs")
    api = repository / "api"
    try:
        text = await asyncio.to_thread(_read_own, api)
        config = json.loads(await asyncio.to_thread(_read_own, repository / "config"))
        expected = config["Identity"]["PeerID"]
        place, _ = Address.parse(text)
    except FileNotFoundError as error:
        raise NoDaemonError(f"there is no {error.filename}") from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NoDaemonError(f"{api} cannot be used: {error}") from error
    rpc = Rpc(place)
    try:
        found = await _peer_id(rpc)
    except IPFSCommError as error:
        raise NoDaemonError(f"the daemon that {api} names cannot be asked who it is: {error}") from error
    finally:
        await rpc.close()
    if found != expected:
        raise NoDaemonError(
            f"what answers at {place} has the PeerID {shown(found)}, and the repository {repository} is that of "
            f"{shown(expected)}"
        )
    rpc = Rpc(place, Credentials.parse(credentials) if credentials else None)
    return Found(rpc, f"{api} names it, and its PeerID is that of the repository")


def _read_own(path: Path) -> str:
    """Return what a file of this user's says."""
    with path.open("rb") as opened:
        status = os.fstat(opened.fileno())
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user (uid {status.st_uid})")
        return opened.read(_MOST).decode("utf-8")


async def _peer_id(rpc: Rpc) -> str:
    """Ask a daemon who it is."""
    try:
        async with asyncio.timeout(PATIENCE):
            said: Any = await rpc.call("id")
    except TimeoutError as error:
        raise UnreachableError(
            f"the Kubo daemon at {rpc.address} does not answer within {PATIENCE:g} s: look whether it runs, or start "
            "one with `ipfs daemon`",
            detail={"address": str(rpc.address)},
        ) from error
    if not isinstance(said, dict) or not isinstance(said.get("ID"), str):
        raise DaemonError(
            f"what answers at {rpc.address} is no Kubo daemon: it says {shown(said)} when asked for its id"
        )
    return str(said["ID"])
