"""The remote pinning services that a repository knows: their names, addresses and keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, LimitError, NotFoundError
from ipfs_comm.node.secret_names import check_name
from ipfs_comm.pinning import checked_endpoint, checked_key

if TYPE_CHECKING:
    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.blockstore.state import State
    from ipfs_comm.node.embedded.secrets import Secrets

#: Most services of one repository.
MAX_SERVICES: Final = 128
#: Bytes that what is kept of a service comes to at most.
MAX_SIZE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """One service; its key is not shown."""

    name: str
    endpoint: str
    key: str = field(repr=False)


class Services:
    """The pinning services of one repository, for tasks and processes that change them side by side.

    Parameters
    ----------
    kept : Secrets
    state : State
        Of the same repository: its transactions say who comes first.
    pool : Pool
        Where files are read and written.
    """

    def __init__(self, kept: Secrets, state: State, pool: Pool) -> None:
        self._kept = kept
        self._state = state
        self._pool = pool

    async def add(self, name: str, endpoint: object, key: object) -> None:
        """Remember a service.

        Raises
        ------
        InvalidInputError
            One of these is none, or there is a service of that name (code ``ERR_SERVICE_ALREADY_EXISTS``).
        LimitError
            There are too many already.
        """
        _check(name)
        content = json.dumps({"endpoint": checked_endpoint(endpoint), "key": checked_key(key)}).encode()
        async with self._state.transaction():
            names = await self._pool.run(self._kept.names)
            if name in names:
                raise InvalidInputError(
                    f"service already present: {name!r}; remove it with pin.remote.service.rm, or choose another name",
                    code="ERR_SERVICE_ALREADY_EXISTS",
                    detail={"service": name},
                )
            if len(names) >= MAX_SERVICES:
                raise LimitError(f"a repository knows at most {MAX_SERVICES} pinning services: remove one first")
            await self._pool.run(self._kept.put, name, content)

    async def get(self, name: str | None) -> Service:
        """Return a service.

        Raises
        ------
        InvalidInputError
            No name is given, or no service can have it.
        NotFoundError
            There is no such service.
        """
        if not name:
            raise InvalidInputError("a service name must be passed: one of pin.remote.service.ls()")
        found = await self._pool.run(self._read, _check(name))
        if found is None:
            raise NotFoundError(
                f"service not known: {name!r}; add it with pin.remote.service.add, or see pin.remote.service.ls for "
                "those that are there",
                detail={"service": name},
            )
        return found

    async def all(self) -> list[Service]:
        """Return all services, in the order of their names."""
        found = [await self._pool.run(self._read, name) for name in sorted(await self._pool.run(self._kept.names))]
        return [service for service in found if service is not None]

    async def remove(self, name: str) -> None:
        """Forget a service and its key; one that is not there is no error."""
        _check(name)
        async with self._state.transaction():
            if await self._pool.run(self._kept.get, name) is not None:
                await self._pool.run(self._kept.delete, name)

    def _read(self, name: str) -> Service | None:
        content = self._kept.get(name)
        if content is None:
            return None
        try:
            found = json.loads(content)
            return Service(name, checked_endpoint(found["endpoint"]), checked_key(found["key"]))
        except (ValueError, TypeError, KeyError):
            raise self._kept.damaged(name, "it is not what was written") from None


def _check(name: str) -> str:
    return check_name(name, "a pinning service")
