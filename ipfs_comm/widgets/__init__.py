"""The kernel's end where a page has only widget messages: of ``%%ipfs_js`` cells, and of anybody's widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.widgets.front_end import esm

if TYPE_CHECKING:
    from ipfs_comm.widgets.model import CellWidget
    from ipfs_comm.wire.carriers.widget import WidgetPort

__all__ = ["CellWidget", "esm", "serve"]


def serve(model: Any) -> WidgetPort:
    """Serve this kernel's IPFS node to the pages that show a widget of your own.

    In the widget's front end ``connectModel(model)`` of the npm package ``ipfs-comm`` gives the other end; `esm` makes
    it a part of that front end.

    Parameters
    ----------
    model : ipywidgets.Widget
        For example an ``anywidget.AnyWidget``. One page at a time has the link; the last that opened one.

    Returns
    -------
    WidgetPort
        ``close()`` ends it.

    Raises
    ------
    NotSupportedError
        If the extension is not loaded.
    """
    from ipfs_comm.extension import loaded

    return loaded().serve_widget(model)


def __getattr__(name: str) -> Any:
    # anywidget takes a second to import, and most kernels never need it.
    if name == "CellWidget":
        from ipfs_comm.widgets.model import CellWidget

        return CellWidget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
