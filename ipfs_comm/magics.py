"""The magics: ``%ipfs`` to see and choose the kernel's node, ``%%ipfs_js`` to run JavaScript on it in the page."""

from __future__ import annotations

import concurrent.futures
import keyword
import sys
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from ipfs_comm.errors import NoPageError
from ipfs_comm.kernel.outputs import Output
from ipfs_comm.kernel.runtime import SLICE

if TYPE_CHECKING:
    from ipfs_comm.extension import Extension
    from ipfs_comm.kernel.cells import Cell

__all__ = ["IPFSMagics"]

#: Seconds after which a person's page without the labextension gets the widget.
WIDGET_AFTER = 2.0

MISSING = (
    "No page of this notebook answered. JupyterLab and Notebook run %%ipfs_js cells by the extension in the package "
    "ipfs-comm, which the environment of the Jupyter *server* lacks: run `pip install ipfs-comm` there, then reload "
    "this page."
)
WAITING = "JavaScript that waits for a page to run it."
FILLS_IN = "This cell has ended, and its result appears here when the page is done."


@magics_class
class IPFSMagics(Magics):
    """The magics of one loaded extension.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The shell they work in.
    extension : Extension
        What they work on.
    """

    def __init__(self, shell: Any, extension: Extension) -> None:
        super().__init__(shell)
        self._shell = shell
        self._extension = extension

    @line_magic
    def ipfs(self, line: str) -> None:
        """Show or choose the IPFS node of this kernel.

        ``%ipfs`` shows it. ``%ipfs repo FOLDER`` (or ``:memory:``), ``%ipfs node KIND``, ``%ipfs kubo_api URL``,
        ``%ipfs gateways URL URL`` (or ``none``, ``default``), ``%ipfs offline true``, ``%ipfs read_only true`` and the
        other options of ``IPFSComm`` choose anew from the next call on; what is under way on the node before ends.
        ``%ipfs as NAME`` binds the node to another name.
        """
        option, _, value = line.strip().partition(" ")
        # No shell's rules: a folder's name may have spaces and backslashes.
        value = value.strip().strip("\"'")
        if not option:
            sys.stdout.write(self._extension.describe() + "\n")
        elif not value:
            raise UsageError("%ipfs, %ipfs OPTION VALUE or %ipfs as NAME; the options are " + self._extension.options())
        elif option == "as":
            _check_name(value)
            self._extension.bind(value)
        else:
            self._extension.choose(option, value)

    @cell_magic
    def ipfs_js(self, line: str, cell: str) -> Any:
        """Run the cell as JavaScript in the page, with ``ipfs``, ``element`` and ``port`` in scope.

        ``%%ipfs_js [-o NAME]``: the cell is the body of an async function; what it returns is the cell's result, and
        is bound to NAME. ``ipfs`` is a client of this kernel's node, ``element`` the output's HTML element, ``port``
        the port that the client uses. It runs once, in the first page that shows it.
        """
        name = _result_name(line)
        extension = self._extension
        extension.need_pages()
        run = extension.cells.create(cell, f"cell-{self._shell.execution_count}")
        output = Output(self._shell, run)
        started = time.monotonic()
        try:
            if extension.detached():
                self._detach(run, output, name, started, FILLS_IN)
                return None
            output.waiting(WAITING)
            if not self._claimed(run, output, name, started):
                return None
            value = _result(run)
        except KeyboardInterrupt:
            extension.cells.abort(run)
            output.settled("error", "interrupted")
            raise
        except Exception:
            extension.cells.abort(run)
            output.settled("error")
            raise
        output.settled("done")
        if name:
            self._shell.user_ns[name] = value
        return value

    def _claimed(self, run: Cell, output: Output, name: str, started: float) -> bool:
        """Wait for a page; return False if the cell goes on without this thread."""
        extension = self._extension
        limit = float(extension.config.page_timeout)
        person = extension.has_person()
        # A page that has run cells before has the labextension, and is only slow.
        patience = min(WIDGET_AFTER, limit) if person and extension.cells.last_carrier != "direct" else limit
        opened = extension.opened_directly()
        if _wait(run.claimed, patience):
            return True
        # A link that is being opened is a page with the labextension, and only slow.
        missing = extension.opened_directly() == opened
        note = f"{MISSING} Until then a widget runs it. {FILLS_IN}"
        if person and missing and self._detach(run, output, name, started, note):
            return False
        if not _wait(run.claimed, limit - patience):
            extension.cells.expire(run, no_page(limit))
        return True

    def _detach(self, run: Cell, output: Output, name: str, started: float, note: str) -> bool:
        """Let the cell end before its result is there; return False where no widget can take it and none is needed."""
        extension = self._extension
        widget, problem = extension.cell_widget(run)
        if widget is None and not extension.detached():
            return False
        note = f"{note} (No widget could be made: {problem})" if problem else note
        output.waiting(note, view=widget.model_id if widget is not None else "")

        def settled(outcome: concurrent.futures.Future[Any]) -> None:
            error = outcome.exception()
            text = self._text(outcome.result()) if error is None else f"{type(error).__name__}: {error}"
            if error is None and name:
                self._shell.user_ns[name] = outcome.result()
            stack = getattr(error, "detail", {}).get("stack")
            text = f"{text}\n{stack}" if stack else text
            output.settled("done" if error is None else "error", text)
            if widget is not None:
                widget.html = output.stored(text)
                widget.state = "done"

        run.outcome.add_done_callback(settled)
        limit = float(extension.config.page_timeout)
        left = limit - (time.monotonic() - started)
        extension.when_heard(max(left, limit - WIDGET_AFTER), lambda: extension.cells.expire(run, no_page(limit)))
        return True

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        data, _metadata = self._shell.display_formatter.format(value)
        return str(data.get("text/plain", ""))


def no_page(limit: float) -> NoPageError:
    """Return the error of a cell that no page took within `limit` seconds."""
    error = NoPageError(
        f"no page took this %%ipfs_js cell within {limit:g} s. It needs a notebook that is open in a browser; "
        f"nbclient, nbconvert and papermill have none. If this one is: {MISSING}",
        detail={"timeout": limit},
    )
    lines = [f"NoPageError: {error}"]
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]  # IPython's hook for errors from elsewhere
    return error


def _wait(future: concurrent.futures.Future[Any], timeout: float) -> bool:
    """Wait for `future`, in slices that let an interrupt through on every platform."""
    end = time.monotonic() + timeout
    while not future.done() and (left := end - time.monotonic()) > 0:
        concurrent.futures.wait([future], timeout=min(left, SLICE))
    return future.done()


def _result(run: Cell) -> Any:
    # As long as the page's promise takes; the end of its link or an interrupt ends the wait.
    while not _wait(run.outcome, 3600.0):
        continue
    return run.outcome.result()


def _result_name(line: str) -> str:
    words = line.split()
    if not words:
        return ""
    if len(words) != 2 or words[0] != "-o":
        raise UsageError("%%ipfs_js takes `-o NAME` and nothing else")
    _check_name(words[1])
    return words[1]


def _check_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot be a name in Python")
