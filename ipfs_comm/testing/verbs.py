"""The verbs of the core API, read from its declaration: what a contract has to cover, and what laws hold for."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.node.api import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["VERBS"]


def _verbs(api: type, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in vars(api).items():
        if isinstance(member, property) and member.fget is not None:
            yield from _verbs(typing.get_type_hints(member.fget)["return"], (*path, name))
        elif name == "__call__":
            yield ".".join(path), member
        elif inspect.isfunction(member) and not name.startswith("_"):
            yield ".".join((*path, name)), member


#: Every verb by its name (``cat``, ``files.write``, ``object.patch.add_link``), as the core API declares it.
VERBS: Final[Mapping[str, Callable[..., Any]]] = dict(_verbs(Node))
