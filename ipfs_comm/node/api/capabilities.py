"""What a node, and a port to it, can do: for whoever has to find out before calling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be called here, what of that this node cannot do, and how much at a time.

    Attributes
    ----------
    kind : str
        Of the node: ``"embedded"`` or ``"kubo"``.
    version, repo_version : str
        Of the node and of its repository's format.
    read_only : bool
        Whether the repository may not be written to: by this port, or by anybody.
    protocol : int, optional
        Version of the protocol of the port in between; None where there is none.
    methods : tuple of str
        What may be called, by dotted names such as ``"dag.get"``.
    unsupported : tuple of str
        Those of them that this node cannot do, and answers with ERR_NOT_SUPPORTED.
    limits : mapping of str to float
        Bytes of a block, bytes of a result that is awaited whole; over a port also its own: calls at a time and the
        like.
    """

    kind: str
    version: str
    repo_version: str
    read_only: bool
    methods: tuple[str, ...]
    unsupported: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    protocol: int | None = None
