"""The output of a ``%%ipfs_js`` cell: a bundle that a page runs while it waits, and the stored result ever after."""

from __future__ import annotations

import contextvars
import html
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipfs_comm.kernel.cells import Cell

__all__ = ["CELL_TYPE", "Output"]

#: MIME type of what the labextension renders.
CELL_TYPE = "application/vnd.ipfs-comm.cell+json"
VIEW_TYPE = "application/vnd.jupyter.widget-view+json"


class Output:
    """The display of one cell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        Where it is published; from this moment on as an output of the cell that runs now, on whatever thread.
    cell : Cell
        The execution.
    """

    def __init__(self, shell: Any, cell: Cell) -> None:
        self._shell = shell
        self._cell = cell
        self._display_id = secrets.token_hex(16)
        self._shown = False
        # Kernels keep in it to which cell an output belongs.
        self._context = contextvars.copy_context()

    def waiting(self, text: str, *, view: str = "") -> None:
        """Show that the cell waits for a page.

        Parameters
        ----------
        text : str
            For frontends that render nothing of the rest.
        view : str
            Id of the widget model that runs the cell, if there is one.
        """
        more = {VIEW_TYPE: {"version_major": 2, "version_minor": 0, "model_id": view}} if view else {}
        self._publish("waiting", {"text/plain": text, **more})

    def settled(self, state: str, text: str = "") -> None:
        """Show the stored result.

        Parameters
        ----------
        state : str
            ``"done"`` or ``"error"``.
        text : str
            The result, or what went wrong, where that is not the cell's own output.
        """
        data = {"text/plain": text}
        if (drawn := self.stored(text)) and self._cell.snapshot is not None:
            data["text/html"] = drawn
        self._publish(state, data)

    def stored(self, text: str) -> str:
        """Return HTML of what the page drew and of `text`."""
        return (self._cell.snapshot or "") + (f"<pre>{html.escape(text)}</pre>" if text else "")

    def _publish(self, state: str, data: dict[str, Any]) -> None:
        bundle = {CELL_TYPE: {"version": 1, "token": self._cell.token, "state": state}, **data}
        update, self._shown = self._shown, True
        # A copy, since a context can be entered by one thread at a time.
        self._context.copy().run(
            self._shell.display_pub.publish,
            data=bundle,
            metadata={},
            transient={"display_id": self._display_id},
            update=update,
        )
