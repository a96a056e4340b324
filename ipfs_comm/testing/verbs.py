"""The verbs of the core API, read from its declaration: what a contract has to cover, and what laws hold for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.facade import verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["VERBS"]

#: Every verb by its name (``cat``, ``files.write``, ``object.patch.add_link``), as the core API declares it.
VERBS: Final[Mapping[str, Callable[..., Any]]] = verbs()
