"""Who asks the daemon, in turns, and that all of them come to the same CIDs."""

from __future__ import annotations

import contextlib
import sys
import zlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clients import in_jupyterlab, in_node
from harness.meter import settle
from harness.server import running

from daemon.kubo import kubo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.bench import Bench
    from harness.server import Server

    from daemon.kubo import Kubo

__all__ = ["DIRECT", "KERNEL", "PAGE", "STDIO", "Contest", "in_node_process", "in_page"]

DIRECT = "kubo-rpc-client"
STDIO, KERNEL, PAGE = "a port on stdio", "a port of a kernel", "a page"

#: The module that makes the clients which are on no kernel.
CLIENTS = Path(__file__).parent / "clients.mjs"


class Contest:
    """Clients of one daemon in one process.

    Parameters
    ----------
    bench : Bench
        Of the process.
    kubo : Kubo
    names : dict
        What each is called in rows, and by the commands of `verbs_end.js`.
    """

    def __init__(self, bench: Bench, kubo: Kubo, names: dict[str, str]) -> None:
        self.bench, self.kubo = bench, kubo
        self._names = names
        self._order = deque(names)

    def seed(self, what: str, turn: int) -> int:
        """Return what the bytes of a turn are made from."""
        return zlib.crc32(f"{what} {turn}".encode()) % 30_000 + 1

    def turns(self, *commands: tuple[str, dict[str, Any]]) -> dict[str, list[Any]]:
        """Have everybody run `commands`, one after the other, on an empty repository each; return what each says.

        The CID that the first command comes to is given to the others as ``cid``.

        Raises
        ------
        ValueError
            If two come to different CIDs.
        """
        found: dict[str, list[Any]] = {}
        for who in self._order:
            self.kubo.clear()
            self.bench.call("collectGarbage")
            settle()
            said: list[Any] = []
            for command, args in commands:
                given = {"cid": said[0]["cids"][-1]} if said and "cids" in said[0] else {}
                said.append(self.bench.call(command, client=self._names[who], **{**given, **args}))
            found[who] = said
        # Nobody always comes after the same one.
        self._order.rotate(1)
        cids = {who: said[0]["cids"] for who, said in found.items()}
        if len({tuple(each) for each in cids.values()}) > 1:
            last = {who: each[-1] for who, each in cids.items()}
            raise ValueError(f"{commands[0][0]}: not the same CIDs: {last}")
        self.kubo.clear()
        return found


@contextlib.contextmanager
def in_node_process(make: Any) -> Iterator[Contest]:
    """Start a process of Node with Kubo's own client and ours, on stdio and on a kernel.

    `make` makes a Bench of a server and a client.
    """
    with contextlib.ExitStack() as stack:
        server: Server = stack.enter_context(running())
        daemon = stack.enter_context(kubo(server.scratch / "kubo"))
        bench: Bench = make(server, stack.enter_context(in_node(server, CLIENTS)))
        bench.look_around()
        names = {KERNEL: stack.enter_context(_on_kernel(bench, daemon))}
        for who, how in ((DIRECT, "direct"), (STDIO, "stdio")):
            names[who] = bench.name(how)
            bench.call("foreign", name=names[who], how=how, api=daemon.api, python=sys.executable)
            stack.callback(bench.call, "hangUp", client=names[who])
        yield Contest(bench, daemon, names)


@contextlib.contextmanager
def in_page(make: Any) -> Iterator[Contest]:
    """Open JupyterLab with our client on a kernel; `make` as above."""
    with contextlib.ExitStack() as stack:
        server: Server = stack.enter_context(running())
        daemon = stack.enter_context(kubo(server.scratch / "kubo"))
        bench: Bench = make(server, stack.enter_context(in_jupyterlab(server)))
        bench.look_around()
        yield Contest(bench, daemon, {PAGE: stack.enter_context(_on_kernel(bench, daemon))})


@contextlib.contextmanager
def _on_kernel(bench: Bench, daemon: Kubo) -> Iterator[str]:
    """Connect our client to a kernel whose node is the daemon; give its name."""
    with bench.kernel("ours") as kernel:
        bench.call("execute", connection=kernel.connection, code=f"%ipfs kubo_api {daemon.api}")
        bench.call("execute", connection=kernel.connection, code="%ipfs node kubo")
        with bench.connected(kernel, "ipfs", own=True) as name:
            yield name
