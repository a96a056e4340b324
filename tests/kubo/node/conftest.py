"""Nodes on daemons of a real Kubo: one daemon for all tests, of which each finds nothing that another has left."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from kubo_support import clean, running, scratch, swarm

from ipfs_comm import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from kubo_support import Daemon

    from ipfs_comm.node import Node


@pytest.fixture(scope="session")
def shared_daemon(kubo_with: Callable[..., Daemon]) -> Daemon:
    """The daemon of most tests, which is offline; a setting of its own keeps it apart from that of other folders."""
    daemon = kubo_with(Pubsub__Enabled=True)
    # A new repository has one pin, of an empty directory.
    clean(daemon)
    return daemon


@pytest.fixture
def daemon(shared_daemon: Daemon) -> Iterator[Daemon]:
    """A daemon with nothing in it: no pins, keys, files or blocks."""
    yield shared_daemon
    clean(shared_daemon)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that lets in alice, whose password is ``se:cret``, and whoever has ``token``."""
    everything = {"AllowedPaths": ["/api/v0"]}
    settings = {
        "API.Authorizations": {
            "alice": {"AuthSecret": "basic:alice:se:cret", **everything},
            "bob": {"AuthSecret": "bearer:token", **everything},
        }
    }
    with scratch(tmp_path_factory, settings) as repository, running(repository) as daemon:
        yield daemon


@pytest.fixture
async def node(daemon: Daemon) -> AsyncIterator[Node]:
    """A node on such a daemon."""
    async with open_node(kind="kubo", kubo_api=daemon.api) as node:
        yield node


@pytest.fixture
async def embedded() -> AsyncIterator[Node]:
    """An embedded node, to be compared with."""
    async with open_node(repo=":memory:", offline=True) as node:
        yield node


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Daemon]]:
    """Three daemons in a swarm of their own."""
    with swarm(tmp_path_factory) as daemons:
        yield daemons


@pytest.fixture
async def nodes(peers: list[Daemon]) -> AsyncIterator[list[Node]]:
    """A node on each of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_node(kind="kubo", kubo_api=peer.api)) for peer in peers]
