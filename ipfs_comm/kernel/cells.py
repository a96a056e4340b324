"""The life of ``%%ipfs_js`` executions, as the kernel sees it: a one-shot token, one page that claims it, one outcome.

The page that shows the cell's output opens a link with the service ``cell`` and the token. The first claim gets the
code and a port to the node; every other is told that the cell is taken. So JavaScript that acts on a node runs once
for each execution, however often its output is rendered, and a notebook that somebody else made runs nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidCIDError, LinkError, PageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfs_comm.errors import NoPageError
    from ipfs_comm.wire import Link, MessageEvent, MessagePort

__all__ = ["Cell", "Cells"]

logger = logging.getLogger(__name__)

#: Cells that wait for a page, or have one that still holds its link.
MAX_CELLS = 1024
#: Seconds after which a link that got no cell, or was told to abort, is ended if the page does not do it.
PATIENCE = 5.0
#: Seconds that a port has to tell what its page said before its link ended.
FORGET_AFTER = 1.0
#: Longest texts that are taken from a page about an exception, in characters.
MAX_MESSAGE = 64 * 1024


@dataclass(eq=False)
class Cell:
    """One execution.

    Attributes
    ----------
    code : str
        Body of the asynchronous function.
    label : str
        Name of the source, for the page's stacks.
    token : str
        What a page must show to run it.
    claimed : concurrent.futures.Future of str
        The name of the carrier over which a page claimed it; cancelled if it expired before.
    outcome : concurrent.futures.Future
        What the page gave back, or why it did not. Never cancelled.
    snapshot : str or None
        HTML of what the page drew.
    """

    code: str
    label: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    claimed: concurrent.futures.Future[str] = field(default_factory=concurrent.futures.Future)
    outcome: concurrent.futures.Future[Any] = field(default_factory=concurrent.futures.Future)
    snapshot: str | None = None
    link: Link | None = None
    port: MessagePort | None = None
    #: What is called on the loop when nothing of the cell is left.
    cleanup: list[Callable[[], object]] = field(default_factory=list)


class Cells:
    """All executions of one kernel that are not over, and the service ``cell``.

    All methods but `create`, `expire` and `abort` are called on the runtime's loop.

    Parameters
    ----------
    serve : callable
        Puts a server of the node on a port.
    later : callable
        Calls a function on the loop, from any thread.
    max_snapshot : int
        Largest HTML that is kept, in characters.
    """

    def __init__(
        self, serve: Callable[[MessagePort], None], later: Callable[..., None], max_snapshot: int = 8 * 2**20
    ) -> None:
        self._serve = serve
        self._later = later
        self._cells: dict[str, Cell] = {}
        self.max_snapshot = max_snapshot
        #: The carrier of the last claim; what the next cell is likely to get.
        self.last_carrier = ""

    def create(self, code: str, label: str) -> Cell:
        """Make a cell that waits for a page.

        Raises
        ------
        PageError
            If too many cells are under way.
        """
        if len(self._cells) >= MAX_CELLS:
            raise PageError(
                f"{MAX_CELLS} %%ipfs_js cells still have a page: restart the kernel, or close notebooks that use it"
            )
        cell = Cell(code, label)
        self._cells[cell.token] = cell
        return cell

    def expire(self, cell: Cell, error: NoPageError) -> bool:
        """Take `cell` back if no page has claimed it, from any thread; return whether that was so."""
        if not cell.claimed.cancel():
            return False
        _settle(cell, error=error)
        self._later(self._forget, cell)
        return True

    def make_room(self) -> None:
        """End the link of the oldest cell that has its outcome: its drawing stays, and loses the node."""
        for cell in self._cells.values():
            if cell.link is not None and cell.outcome.done():
                del self._cells[cell.token]
                cell.link.end(LinkError("this kernel has too many cells with a page", code="ERR_LIMIT"))
                return

    def abort(self, cell: Cell) -> None:
        """Tell the page to stop and to let go, from any thread; the cell is over."""
        self._later(self._abort, cell)

    def close(self) -> None:
        """Abort every cell."""
        for cell in list(self._cells.values()):
            self._abort(cell)

    def claim(self, link: Link, port: MessagePort, params: Mapping[str, Any]) -> None:
        """Serve a link with the service ``cell``: give its page the cell of ``params["token"]``, or say why not."""
        token = params.get("token")
        cell = self._cells.get(token) if isinstance(token, str) else None
        if cell is None or cell.claimed.done() or not cell.claimed.set_running_or_notify_cancel():
            taken = cell is not None and not cell.claimed.cancelled()
            port.post_message({"type": "taken" if taken else "unknown"})
            self._end_soon(link)
            return
        from ipfs_comm.wire import MessageChannel

        cell.link, cell.port = link, port
        link.onend = lambda error: self._ended(cell, error)
        port.onclose = lambda _event: self._closed(cell, link)
        port.onmessage = lambda event: self._heard(cell, event)
        channel = MessageChannel()
        self._serve(channel.port1)
        port.post_message({"type": "run", "code": cell.code, "name": cell.label}, [channel.port2])
        self.last_carrier = link.carrier.name if link.carrier is not None else ""
        cell.claimed.set_result(self.last_carrier)

    def _heard(self, cell: Cell, event: MessageEvent) -> None:
        data = event.data
        kind = data.get("type") if isinstance(data, dict) else None
        if kind == "snapshot" and isinstance(html := data.get("html"), str) and not cell.outcome.done():
            fits = len(html) <= self.max_snapshot
            cell.snapshot = (
                html if fits else f"<p>This output ({len(html):,} characters) is too large to be stored.</p>"
            )
        elif kind == "result":
            _settle(cell, value=revive(data.get("value")))
        elif kind == "error":
            _settle(cell, error=_page_error(data))
        else:
            # A later version of the page may say more; what this one does not know changes nothing.
            logger.debug("a cell's page said something unknown: %.200r", data)

    def _closed(self, cell: Cell, link: Link) -> None:
        """Take the page's leave, which its port tells after all that the page said before, a result perhaps."""
        link.end(LinkError("the page closed the cell", code="ERR_CLOSED"))
        self._gone(cell, link.error)

    def _ended(self, cell: Cell, error: Exception | None) -> None:
        """See to it that a cell whose port was closed here, and so tells nothing, is forgotten as well."""
        asyncio.get_running_loop().call_later(FORGET_AFTER, self._gone, cell, error)

    def _gone(self, cell: Cell, error: Exception | None) -> None:
        self._forget(cell)
        cell.link = cell.port = None
        reason = f": {error}" if error is not None else ""
        _settle(
            cell, error=PageError(f"the page that ran this cell is gone, closed or reloaded, before its end{reason}")
        )

    def _abort(self, cell: Cell) -> None:
        cell.claimed.cancel()
        _settle(cell, error=PageError("the cell was aborted", code="ERR_ABORTED"))
        link, port = cell.link, cell.port
        if link is not None and port is not None:
            if not port.closed:
                port.post_message({"type": "abort"})
            self._end_soon(link)
        else:
            self._forget(cell)

    def _forget(self, cell: Cell) -> None:
        self._cells.pop(cell.token, None)
        for function in cell.cleanup:
            function()
        cell.cleanup.clear()

    def _end_soon(self, link: Link) -> None:
        """Leave the page time to read the last message and to end the link itself."""
        asyncio.get_running_loop().call_later(PATIENCE, link.end, LinkError("the cell is over", code="ERR_CLOSED"))


def _settle(cell: Cell, *, value: Any = None, error: Exception | None = None) -> None:
    """Give the cell its outcome, unless it has one."""
    try:
        if error is None:
            cell.outcome.set_result(value)
        else:
            cell.outcome.set_exception(error)
    except concurrent.futures.InvalidStateError:
        # The first outcome counts; what comes after it (a page that ends) changes nothing.
        return


def _page_error(data: Mapping[str, Any]) -> PageError:
    name, message, stack = (_text(data.get(key)) for key in ("name", "message", "stack"))
    name = name or "Error"
    error = PageError(
        f"{name}: {message}" if message else name, detail={"name": name, "message": message, "stack": stack}
    )
    lines = [f"{type(error).__name__}: {error}", *stack.splitlines()]
    # IPython shows these instead of the frames of this package, in which nobody would find the mistake.
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]  # IPython's hook for errors from elsewhere
    return error


def _text(value: Any) -> str:
    return value[:MAX_MESSAGE] if isinstance(value, str) else ""


def revive(value: Any) -> Any:
    """Return a value from a page as Python has it: CIDs as ``CID``, Uint8Arrays as ``bytes``, undefined as None.

    Parameters
    ----------
    value : any
        A value out of a message. Its lists and mappings are changed in place; they may contain one another.
    """
    root = [value]
    seen: set[int] = set()
    stack: list[Any] = [root]
    while stack:
        holder = stack.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            member = holder[key] = _revived(holder[key])
            if isinstance(member, dict | list):
                stack.append(member)
    return root[0]


def _revived(value: Any) -> Any:
    from ipfs_comm.wire import clone

    if value is clone.undefined:
        return None
    if isinstance(value, memoryview) and value.format == "B":
        return bytes(value)
    if isinstance(value, dict) and {"code", "version", "multihash", "bytes"} <= value.keys():
        from ipfs_comm.ipld import CID

        try:
            return CID.of(value)
        except InvalidCIDError:
            # Shaped like a CID and none: the page's own object, to be handed on as it is.
            return value
    return value
