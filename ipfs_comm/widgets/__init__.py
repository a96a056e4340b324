"""The way of ``%%ipfs_js`` cells, and of anybody's widget, where a page has nothing but widget messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipfs_comm.widgets.model import CellWidget

__all__ = ["CellWidget"]


def __getattr__(name: str) -> Any:
    # anywidget takes a second to import, and most kernels never need it.
    if name == "CellWidget":
        from ipfs_comm.widgets.model import CellWidget

        return CellWidget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
