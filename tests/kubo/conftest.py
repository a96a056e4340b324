"""Daemons of a real Kubo, each started once, when the first test asks for it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import FACTOR, Daemon, Repository, running, scratch, why_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds for a law in its short form.
_PATIENCE = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; where no Kubo was built, every test of it is skipped and says so."""
    here = __file__.rpartition("/")[0]
    reason: str | None = None
    for item in items:
        if not str(item.path).startswith(here):
            continue
        reason = reason or why_absent()
        item.add_marker(pytest.mark.kubo)
        item.add_marker(pytest.mark.timeout(_PATIENCE * FACTOR))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def kubo_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Daemon]]:
    """Return a function that gives a daemon with these settings."""
    daemons: dict[tuple[tuple[str, Any], ...], Daemon] = {}
    with ExitStack() as stack:

        def with_settings(**settings: Any) -> Daemon:
            key = tuple(sorted(settings.items()))
            if key not in daemons:
                named = {name.replace("__", "."): value for name, value in settings.items()}
                repository = stack.enter_context(scratch(tmp_path_factory, named))
                daemons[key] = stack.enter_context(running(repository))
            return daemons[key]

        yield with_settings


@pytest.fixture(scope="session")
def kubo(kubo_with: Callable[..., Daemon]) -> Daemon:
    """A daemon as Kubo is configured by default."""
    return kubo_with()


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository without a daemon."""
    with scratch(tmp_path_factory) as made:
        yield made
