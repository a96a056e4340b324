"""``%load_ext ipfs_comm``: ties node, server, carriers and magics together for one kernel, and apart again."""

from __future__ import annotations

import atexit
import importlib.util
import logging
import os
import sys
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import IPFSCommError, LinkError, NoPageError, NotSupportedError
from ipfs_comm.kernel.cells import Cell, Cells
from ipfs_comm.kernel.config import TARGET, IPFSComm
from ipfs_comm.kernel.node import KernelNode
from ipfs_comm.kernel.proxy import Proxy
from ipfs_comm.kernel.runtime import Runtime
from ipfs_comm.kernel.turns import Turns
from ipfs_comm.wire.carriers.comm import KernelCommTarget
from ipfs_comm.wire.carriers.direct import ControlRoad
from ipfs_comm.wire.carriers.generic import CommTarget
from ipfs_comm.wire.carriers.paced import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from ipfs_comm.wire import Acceptor, Link, MessagePort
    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.carriers.widget import WidgetPort

__all__ = ["TARGET", "Extension", "load_ipython_extension", "loaded", "unload_ipython_extension"]

logger = logging.getLogger(__name__)

#: Name under which a user's code finds the node.
NAME = "ipfs"
#: Seconds that the control thread may take to hand over or give back its stream.
HOOK_TIMEOUT = 2.0
UNLOAD_TIMEOUT = 5.0
#: Seconds that the main thread gets to read what waited for it.
HEARING = 0.5
EXIT_TIMEOUT = 2.0

#: Options that say which node to open.
OPENING = frozenset(
    {
        "node",
        "repo",
        "gateways",
        "offline",
        "read_only",
        "kubo_api",
        "kubo_auth",
        "shard_split_threshold",
        "storage_max",
        "storage_reserve",
    }
)

#: Options that one kind of node has, and the other has not.
OF_EMBEDDED = frozenset({"repo", "gateways", "storage_max", "storage_reserve", "hash_on_read"})
OF_DAEMON = frozenset({"kubo_api", "kubo_auth"})

_loaded: weakref.WeakKeyDictionary[Any, Extension] = weakref.WeakKeyDictionary()


def load_ipython_extension(shell: Any) -> None:
    """Load the extension into `shell`; a second time does nothing.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The shell of a kernel, or of a terminal, which then has ``ipfs`` and no pages.
    """
    extension = _loaded.get(shell)
    if extension is None:
        extension = Extension(shell)
        extension.start()
        _loaded[shell] = extension


def unload_ipython_extension(shell: Any) -> None:
    """Give back all that loading took: threads, the control stream, the target, names, magics, files."""
    extension = _loaded.pop(shell, None)
    if extension is not None:
        extension.stop()


def loaded() -> Extension:
    """Return the extension of this process.

    Raises
    ------
    NotSupportedError
        If it is not loaded.
    """
    for extension in _loaded.values():
        return extension
    raise NotSupportedError("ipfs_comm is not loaded in this kernel: run `%load_ext ipfs_comm` first")


class Extension:
    """What is loaded into one shell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The shell.

    Attributes
    ----------
    config : IPFSComm
        What was chosen.
    cells : Cells
        The ``%%ipfs_js`` executions that are not over.
    proxy : Proxy
        What users know as ``ipfs``.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.kernel: Any = getattr(shell, "kernel", None)
        self.config = IPFSComm(parent=shell)
        self._runtime = Runtime()
        self._turns = Turns()
        self._node = KernelNode(self.config, _announce)
        self.proxy = Proxy(self._node.open, self._runtime, self._node.allow)
        self.cells = Cells(partial(self._serve, TARGET), self._later, self.config.max_snapshot)
        self._acceptors: dict[str, Acceptor] = {}
        self._pace: Pace | None = None
        self._road: ControlRoad | None = None
        self._targets: Sequence[CommTarget] = ()
        self._magics: Any = None
        self._names: set[str] = set()
        self._widget_ports: weakref.WeakSet[WidgetPort] = weakref.WeakSet()

    def start(self) -> None:
        """Start the loop, hook the carriers, and put the names into place; a failure leaves nothing behind."""
        from ipfs_comm.magics import IPFSMagics

        self._magics = IPFSMagics(self.shell, self)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        loop = self._runtime.loop
        self._pace = Pace(loop)
        accepts = {name: partial(self._accept, name) for name in (TARGET, *self.config.targets)}
        if KernelCommTarget.possible(self.kernel):
            self._targets = [
                KernelCommTarget(self.kernel, name, loop, self._pace, accept) for name, accept in accepts.items()
            ]
        elif CommTarget.available():
            self._targets = [CommTarget(name, loop, self._pace, accept) for name, accept in accepts.items()]
        if self._targets:
            for target in self._targets:
                target.register()
            if ControlRoad.available(self.kernel):
                self._road = ControlRoad(self.kernel, loop, accepts)
                hooked = self._road.install()
                try:
                    _wait_for_control(hooked)
                except LinkError:
                    # What has not begun never will.
                    hooked.cancel()
                    raise
            if self._runtime.threads:
                self._turns.take(self.config.switch_interval)
                self.config.observe(self._switch, names="switch_interval")
        self.shell.register_magics(self._magics)
        self.shell.configurables.append(self.config)
        self.config.observe(self._chosen, names=list(self.config.class_traits(config=True)))
        atexit.register(self._at_exit)
        if self._targets and self._runtime.threads:
            loop.call_soon_threadsafe(_warm)
        if NAME in self.shell.user_ns:
            sys.stdout.write(
                f"ipfs_comm: the name `{NAME}` is taken here and stays; `%ipfs as NAME` binds the node to another\n"
            )
        else:
            self.bind(NAME)

    def stop(self) -> None:
        """Give everything back."""
        atexit.unregister(self._at_exit)
        for target in self._targets:
            target.unregister()
        try:
            self._runtime.close(self._finish, timeout=UNLOAD_TIMEOUT)
        finally:
            try:
                if self._road is not None:
                    _wait_for_control(self._road.uninstall())
            finally:
                self.config.unobserve_all("switch_interval")
                self._turns.give_back()
                self._remove_names()

    def _switch(self, change: Any) -> None:
        self._turns.take(change["new"])

    def _remove_names(self) -> None:
        self.shell.drop_by_id(dict.fromkeys(self._names, self.proxy))
        if self.config in self.shell.configurables:
            self.shell.configurables.remove(self.config)
        manager = self.shell.magics_manager
        for kind, names in self._magics.magics.items():
            for name, function in names.items():
                if manager.magics[kind].get(name) == function:
                    del manager.magics[kind][name]
        manager.registry.pop(type(self._magics).__name__, None)

    async def _finish(self) -> None:
        self.cells.close()
        for port in list(self._widget_ports):
            port.close()
        for acceptor in self._acceptors.values():
            acceptor.close()
        if self._pace is not None:
            self._pace.finish()
        await self._node.close()

    def _at_exit(self) -> None:
        if not self._runtime.owned():
            return
        if self._road is not None:
            self._road.abandon()
        try:
            # Links need no farewell: the pages see that the kernel is gone.
            self._runtime.close(self._node.close, timeout=EXIT_TIMEOUT)
        except Exception:
            logger.warning("the IPFS node was not closed in order", exc_info=True)

    def _accept(self, target: str, carrier: Carrier) -> None:
        acceptor = self._acceptors.get(target)
        if acceptor is None:
            from ipfs_comm.wire import Acceptor

            services: dict[str, Any] = {"ipfs": partial(self._serve_link, target)}
            if target == TARGET:
                services["cell"] = self.cells.claim
            acceptor = self._acceptors[target] = Acceptor(services, limits=self.config.link_limits())
        if target == TARGET and len(acceptor.links) >= acceptor.limits.max_links * 3 // 4:
            self.cells.make_room()
        acceptor.accept(carrier)

    def _serve_link(self, target: str, link: Link, port: MessagePort, _params: Mapping[str, Any]) -> None:
        self._serve(target, port, link)

    def _serve(self, target: str, port: MessagePort, link: Link | None = None) -> None:
        from ipfs_comm.rpc import IPFSService, Server

        service = IPFSService(self._node.open, partial(self.config.policy, target))
        Server(service).connect(port, link)

    def _later(self, function: Callable[..., object], *arguments: Any) -> None:
        self._runtime.loop.call_soon_threadsafe(function, *arguments)

    def when_heard(self, seconds: float, function: Callable[[], object]) -> None:
        """Call `function` on the loop when `seconds` are over and the main thread has since read what pages sent.

        Cells that follow at once keep it from that for as long as they run.
        """
        main = getattr(self.kernel, "io_loop", None)
        if main is None:
            self._later(self._runtime.loop.call_later, seconds, function)
            return
        main.add_callback(main.call_later, seconds, lambda: main.call_later(HEARING, lambda: self._later(function)))

    def need_pages(self) -> None:
        """Check that there can be pages at all.

        Raises
        ------
        NoPageError
            In a shell that is no kernel's.
        """
        if not self._targets:
            raise NoPageError("%%ipfs_js runs in the page of a notebook, and this shell is no Jupyter kernel's")

    def has_person(self) -> bool:
        """Return whether somebody sits in front of the cell that runs now: whoever can be asked for input."""
        return bool(getattr(self.kernel, "_allow_stdin", True))

    def opened_directly(self) -> int:
        """Return how many links pages have begun to open on the control channel so far."""
        return self._road.opened if self._road is not None else 0

    def detached(self) -> bool:
        """Return whether a cell must end before its result can come.

        So it is where only this thread could hear the page (no control channel to hook), and in frontends that have
        widgets and nothing else.
        """
        if self._road is None or self.cells.last_carrier == "widget":
            return True
        return self.cells.last_carrier == "" and _widgets_only()

    def cell_widget(self, cell: Cell) -> tuple[Any, str]:
        """Return a widget model that runs `cell`; where widgets cannot be had, None and why."""
        try:
            from ipfs_comm.widgets import CellWidget

            widget = CellWidget(token=cell.token)
        except (ImportError, NotSupportedError) as error:
            return None, str(error)
        port = self.serve_widget(widget, replace=False)
        cell.cleanup += [port.close, widget.close]
        return widget, ""

    def serve_widget(self, model: Any, *, replace: bool = True) -> WidgetPort:
        """Let the pages that show `model` open links over its messages; see `ipfs_comm.widgets.serve`."""
        from ipfs_comm.wire.carriers.widget import WidgetPort

        if self._pace is None:
            raise NotSupportedError("the extension is not started")
        accept = partial(self._accept, TARGET)
        port = WidgetPort(self.kernel, self._pace, model, self._runtime.loop, accept, replace=replace)
        self._widget_ports.add(port)
        return port

    def choose(self, name: str, text: str) -> None:
        """Set an option; what depends on it is opened anew."""
        idle = self._idle(name)
        self.config.choose(name, text)
        self._chosen({"name": name})
        if idle and self.config.choice(name).value:
            sys.stdout.write(f"ipfs_comm: {idle}\n")

    def _idle(self, name: str) -> str:
        """Return why setting an option changes nothing now; empty where it does."""
        try:
            kind = self.config.choice("node")
        except IPFSCommError:
            # Choosing another node may be what is under way.
            return ""
        if name in OF_DAEMON and kind.value == "embedded":
            return f"{name} is for Kubo daemons, and node is {kind}: `%ipfs node kubo` takes a daemon"
        if name in OF_EMBEDDED and (kind.value == "kubo" or self._node.daemon):
            return f"{name} is for the embedded node, and a Kubo daemon is used: `%ipfs node embedded` takes that node"
        return ""

    def _chosen(self, change: Mapping[str, Any]) -> None:
        self.cells.max_snapshot = self.config.max_snapshot
        if change["name"] == "read_only" and self._node.fleeting:
            # Opened anew it would be empty, and its calls are refused all the same.
            return
        if change["name"] in OPENING and self._runtime.owned():
            closing = self._runtime.submit(self._node.close())
            if self._runtime.threads:
                self._runtime.wait(closing)

    def bind(self, name: str) -> None:
        """Put the node into the user's namespace as `name`, until the extension is unloaded."""
        self.shell.push({name: self.proxy}, interactive=False)
        self._names.add(name)

    def options(self) -> str:
        """Return the names of the options."""
        return ", ".join(sorted(self.config.class_traits(config=True)))

    def describe(self) -> str:
        """Return what ``%ipfs`` shows."""
        lines = [f"node      {self._told()}"]
        try:
            if self.config.choice("read_only").value:
                lines.append("read-only what would write is refused")
            if not self._node.daemon:
                lines += self._to_open()
        except IPFSCommError as error:
            lines.append(f"not now   {error}")
        roads = ["direct"] * (self._road is not None)
        if self._targets:
            roads += [self._targets[0].name, "widget"]
        return "\n".join([*lines, f"carriers  {', '.join(roads) or 'none: no Jupyter kernel'}"])

    def _told(self) -> str:
        node = self._node
        if node.daemon and self._runtime.threads and self._runtime.owned():
            return str(self._runtime.wait(self._runtime.submit(node.tell())))
        return node.told or "not opened yet: the first call opens it"

    def _to_open(self) -> list[str]:
        """Return what was chosen of a node that is embedded or not open."""
        kind, api = self.config.choice("node"), self.config.choice("kubo_api")
        lines = []
        if not self._node.where:
            lines.append(f"chosen    {kind}")
            if kind.value != "embedded":
                own = "that of your repository, $IPFS_PATH or ~/.ipfs" + ", if one runs" * (kind.value == "auto")
                lines.append(f"kubo_api  {api if api.value else own}")
        if kind.value == "embedded" or (kind.value == "auto" and not api.value):
            lines.append(f"repo      {self._node.where or self.config.choice('repo').value or 'the default'}")
            lines.append(f"gateways  {', '.join(self.config.sources()) or 'none: the node asks nobody'}")
        return lines


def _wait_for_control(done: Future[None]) -> None:
    try:
        done.result(HOOK_TIMEOUT)
    except TimeoutError:
        raise LinkError(
            f"the kernel's control channel did not answer within {HOOK_TIMEOUT:g} s: try again, or restart the kernel"
        ) from None


def _warm() -> None:
    """Import on the node's thread what the first link and call need, so that the first page does not wait for it."""
    import ipfs_comm.blockstore.segments
    import ipfs_comm.node.embedded
    import ipfs_comm.rpc
    import ipfs_comm.wire.acceptor  # noqa: F401  # only to have it in memory


def _announce(line: str) -> None:
    sys.stdout.write(f"IPFS node: {line}\n")


def _widgets_only() -> bool:
    """Return whether this kernel belongs to a frontend in which no output's code reaches the kernel but by widgets."""
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return True
    try:
        return importlib.util.find_spec("google.colab") is not None
    except ModuleNotFoundError:
        return False
