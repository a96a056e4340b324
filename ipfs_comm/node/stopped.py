"""What is left of a node after ``stop``: nothing that can be asked."""

from __future__ import annotations

from typing import Any, NoReturn

from ipfs_comm.errors import NotSupportedError

__all__ = ["Stopped", "refuse"]


class Stopped:
    """Stands where a node's parts were: whoever uses one is told that the node was stopped."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse()


def refuse() -> NoReturn:
    """Raise the error of a call that comes after ``stop``."""
    raise NotSupportedError(
        "this node was stopped: open another (in a kernel: %unload_ext ipfs_comm, then %load_ext ipfs_comm)",
        code="ERR_NOT_STARTED",
    )
