"""The widget carrier: custom messages of a widget's model, for frontends in which nothing else reaches the kernel.

Every page that shows the model hears every message, and a packet towards the page does not say for which link it is.
So one link at a time has the model; packets of other openers are told apart by the token in their head, and are
dropped while that link lives, or take its place, as the model's owner chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.comm import publisher
from ipfs_comm.wire.carriers.paced import Pace, PacedCarrier

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ipfs_comm.wire.carriers.base import Carrier

__all__ = ["CONTENT", "WidgetCarrier", "WidgetPort"]

#: Content of each custom message that carries a packet towards the page. What the page sends has no ``to``: a message
#: of ours that somebody recorded cannot be sent back to us under its valid signature.
CONTENT = {"ipfs_comm": 1, "to": "page"}

_MAGIC = b"\xc9\x01"
_HELLO = 1


class WidgetCarrier(PacedCarrier):
    """Packets of the one link that has the model."""

    name = "widget"


class WidgetPort:
    """Listens to one widget model and makes a carrier for the link that has it.

    Parameters
    ----------
    kernel : object or None
        The running kernel, if there is one.
    pace : Pace
        Of this kernel.
    model : ipywidgets.Widget
        The model, for example an ``anywidget.AnyWidget``.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    accept : callable
        Called on `loop` with the carrier of a new link, before its first packet.
    replace : bool
        Whether a new opener (a page that was reloaded) takes the place of the one before.
    """

    def __init__(
        self,
        kernel: Any,
        pace: Pace,
        model: Any,
        loop: asyncio.AbstractEventLoop,
        accept: Callable[[Carrier], None],
        *,
        replace: bool = True,
    ) -> None:
        self._kernel = kernel
        self._pace = pace
        self._model = model
        self._loop = loop
        self._accept = accept
        self._replace = replace
        self._token: bytes | None = None
        self._carrier: WidgetCarrier | None = None
        model.on_msg(self._on_msg)

    def close(self) -> None:
        """Listen no longer; the link, if there is one, ends."""
        self._model.on_msg(self._on_msg, remove=True)
        carrier, self._carrier, self._token = self._carrier, None, None
        if carrier is not None:
            carrier.hang_up(LinkError("the widget is no longer served", code="ERR_CARRIER"))

    def _on_msg(self, _model: Any, content: Any, buffers: list[Any]) -> None:
        if not isinstance(content, dict) or content.get("ipfs_comm") != 1 or "to" in content or not buffers:
            return
        token = _token(buffers[0])
        if token is None:
            return
        if token != self._token:
            if not _says_hello(buffers[0], token):
                # What is left of a link whose place another has taken.
                return
            if self._carrier is not None:
                if not self._replace:
                    return
                self._carrier.hang_up(LinkError("another page took this widget", code="ERR_CARRIER"))
            self._open(token)
        if self._carrier is not None:
            self._carrier.hand_over(buffers)

    def _open(self, token: bytes) -> None:
        comm, data = self._model.comm, {"method": "custom", "content": CONTENT}
        publish = publisher(self._kernel, comm, data) or (
            lambda packet: comm.send(data=data, buffers=[bytes(buffer) for buffer in packet])
        )
        carrier = WidgetCarrier(self._loop, self._pace, publish, lambda: self._forget(token))
        self._token, self._carrier = token, carrier
        self._loop.call_soon_threadsafe(lambda: self._accept(carrier))

    def _forget(self, token: bytes) -> None:
        if token == self._token:
            self._token = self._carrier = None


def _says_hello(head: Any, token: bytes) -> bool:
    view = memoryview(head).cast("B")
    return len(view) > 4 + len(token) and view[4 + len(token)] == _HELLO


def _token(head: Any) -> bytes | None:
    view = memoryview(head).cast("B")
    if len(view) < 4 or bytes(view[:2]) != _MAGIC:
        return None
    size = int.from_bytes(view[2:4], "little")
    if not 16 <= size <= 64 or len(view) < 4 + size:
        return None
    return bytes(view[4 : 4 + size])
