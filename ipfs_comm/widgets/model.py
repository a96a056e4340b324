"""The widget that runs one ``%%ipfs_js`` cell where the labextension is missing."""

from __future__ import annotations

from typing import Any

import anywidget
from traitlets import Unicode

from ipfs_comm.widgets.front_end import library

__all__ = ["CellWidget"]


class CellWidget(anywidget.AnyWidget):
    """Model of one cell; its messages carry the link.

    Attributes
    ----------
    token : str
        What the page shows to run the cell.
    state : str
        ``"waiting"``, then ``"done"``.
    html : str
        What is shown once the cell is done and its page is gone.

    Raises
    ------
    NotSupportedError
        If the package was installed from source without its front end having been built.
    """

    token = Unicode().tag(sync=True)
    state = Unicode("waiting").tag(sync=True)
    html = Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        # Named here and not in the class: only then has a package without its front end an error that says so.
        self._esm = library()
        super().__init__(**traits)
