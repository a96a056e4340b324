"""Which daemon to use: the one that was named, or the one that is this user's own."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import DaemonError, IPFSCommError, NotSupportedError, UnreachableError
from ipfs_comm.node.kubo.address import Address, Credentials
from ipfs_comm.node.kubo.errors import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["ADDRESS", "CREDENTIALS", "Found", "NoDaemonError", "find", "named", "own"]

#: Environment variables that name a daemon, and what lets one in there.
ADDRESS: Final = "IPFS_COMM_KUBO_API"
CREDENTIALS: Final = "IPFS_COMM_KUBO_AUTH"
#: Seconds for a daemon to say who it is.
PATIENCE: Final = 10.0
#: Bytes of a repository's files that are read.
_MOST: Final = 2**20
#: Where a daemon that listens everywhere is from here.
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


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
    repository : Path, optional
        Its folder, where that is known.
    """

    rpc: Rpc
    why: str
    repository: Path | None = None


def _client() -> type[Rpc]:
    """Import what speaks to daemons, which takes a while, when there is one to speak to."""
    try:
        from ipfs_comm.node.kubo.rpc import Rpc
    except ImportError as error:
        raise NotSupportedError(
            f"a Kubo daemon is reached by the package aioipfs, which cannot be imported ({error}): install it with "
            "`pip install 'ipfs-comm[kubo]'`, or take the embedded node"
        ) from error
    return Rpc


async def find(address: str | None, credentials: str | None) -> Found:
    """Return the daemon to use: at an address that somebody gave, or else this user's own; never at a default port.

    Parameters
    ----------
    address : str, optional
        A URL or a multiaddr; None is what the environment variable `ADDRESS` says, empty is none.
    credentials : str, optional
        ``basic:user:password`` or ``bearer:token``; None is what the variable `CREDENTIALS` says, unless the address
        has a password of its own: what is for one daemon is not told to another.

    Raises
    ------
    InvalidInputError
        It is no address, or these are no credentials.
    UnreachableError, DaemonError
        As `named`, where there is an address.
    NoDaemonError
        As `own`, where there is none.
    NotSupportedError
        What speaks to daemons is not installed.
    """
    why = "its address was given"
    if address is None and (address := os.environ.get(ADDRESS)):
        why = f"{ADDRESS} names it"
    allowed = Credentials.parse(credentials) if credentials else None
    if credentials is None and os.environ.get(CREDENTIALS) and not (address and Address.parse(address)[1]):
        allowed = Credentials.parse(os.environ[CREDENTIALS])
    return await named(address, allowed, why) if address else await own(allowed)


@asynccontextmanager
async def _closed_on_error(rpc: Rpc) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await rpc.close()
        raise


async def named(address: str, credentials: Credentials | None, why: str) -> Found:
    """Return the daemon at an address that somebody gave.

    Parameters
    ----------
    address : str
        A URL or a multiaddr.
    credentials : Credentials or None
        In place of those in a URL.
    why : str
        Who gave the address.

    Raises
    ------
    InvalidInputError
        It is no address, or these are no credentials.
    UnreachableError
        Nothing answers there.
    DaemonError
        It does not let us in, or is no daemon.
    """
    place, inside = Address.parse(address)
    rpc = _client()(place, credentials or inside)
    async with _closed_on_error(rpc):
        await _peer_id(rpc)
    return Found(rpc, why)


async def own(credentials: Credentials | None) -> Found:
    """Return the daemon of this user's own repository, ``$IPFS_PATH`` or ``~/.ipfs``.

    Its file ``api`` must be this user's, and what answers there must have the PeerID of the repository's
    configuration: on a host of many users an old address may be another's by now. Credentials go there only after that,
    so a daemon that tells nobody its PeerID without them is found only where its address is given. When it is started
    again elsewhere, it is found again, in the same way.

    Raises
    ------
    NoDaemonError
        There is none, and why.
    """
    repository = _repository()

    async def locate() -> Address:
        try:
            return await _own_address(repository)
        except NoDaemonError as error:
            # It says all: what is behind it would be pages of tracebacks in a notebook.
            raise UnreachableError(
                f"the Kubo daemon of {repository} cannot be reached, or went away: {error}; {START}",
                detail={"repository": str(repository)},
            ) from None

    place = await _own_address(repository)
    why = f"{repository / 'api'} names it, and its PeerID is that of the repository"
    return Found(_client()(place, credentials, locate=locate), why, repository)


def _repository() -> Path:
    try:
        return Path(os.environ.get("IPFS_PATH") or "~/.ipfs").expanduser()
    except RuntimeError as error:
        raise NoDaemonError(f"there is no home folder: {error}") from error


async def _own_address(repository: Path) -> Address:
    """Return where the daemon of a repository is, when it has told who it is."""
    api = repository / "api"
    try:
        # On the loop, for there may be no threads; they are small.
        text = _read_own(api)
        config = json.loads(_read_own(repository / "config"))
        expected = config["Identity"]["PeerID"]
        # Kubo writes multiaddrs: whatever else may be there is no host.
        place, _ = Address.parse(f"/{text.strip().removeprefix('/')}")
    except FileNotFoundError as error:
        raise NoDaemonError(f"there is no {error.filename}") from error
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoDaemonError(f"{api} cannot be used: {error}") from error
    place = replace(place, host=_EVERYWHERE.get(place.host, place.host))
    try:
        rpc = _client()(place)
    except NotSupportedError as error:
        raise NoDaemonError(f"{api} names one, and {error}") from error
    try:
        found = await _peer_id(rpc)
    except UnreachableError as error:
        raise NoDaemonError(f"nothing answers at {place}, which {api} names") from error
    except IPFSCommError as error:
        if error.code == "ERR_DENIED":
            raise NoDaemonError(
                f"the daemon at {place}, which {api} names, tells nobody who it is without credentials, and they go "
                f"only to one that is known: give its address too (kubo_api, in a kernel `%ipfs kubo_api {place}`)"
            ) from error
        raise NoDaemonError(f"the daemon that {api} names cannot be asked who it is: {error}") from error
    finally:
        await rpc.close()
    if found != expected:
        raise NoDaemonError(
            f"what answers at {place} has the PeerID {shown(found)}, and the repository {repository} is that of "
            f"{shown(expected)}"
        )
    return place


def _read_own(path: Path) -> str:
    """Return what a file of this user's says."""
    # A pipe would keep whoever opens it waiting.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no file")
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
            f"the Kubo daemon at {rpc.address} does not answer within {PATIENCE:g} s: look whether it runs, or {START}",
            detail={"address": str(rpc.address)},
        ) from error
    if not isinstance(said, dict) or not isinstance(said.get("ID"), str):
        raise DaemonError(
            f"what answers at {rpc.address} is no Kubo daemon: it says {shown(said)} when asked for its id"
        )
    return str(said["ID"])
