"""Who measures: JupyterLab in Chromium, or a websocket client in Node; both run `page_end.js`."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from harness import chromium
from harness.server import REPO, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.server import Server

__all__ = [
    "LIBRARY",
    "Client",
    "Node",
    "Tab",
    "bundle",
    "in_jupyterlab",
    "in_node",
    "message_port_client",
    "node_process",
]

LIBRARY = REPO / "labextension" / "lib" / "index.js"
HERE = REPO / "benchmarks" / "harness"

#: JupyterLab has the page's connections; the first to a kernel is the one that gets comms.
PAGE = """
(async () => {
  const app = window.jupyterapp;
  const { kernels, serverSettings } = app.serviceManager;
  const load = source => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  const sources = [%(page)s, %(verbs)s, %(ours)s, %(theirs)s];
  const [{ createBench }, { createVerbs }, ours, theirs] = await Promise.all(sources.map(load));
  let Connection;
  const host = {
    connect(id, wsUrl) {
      const model = { id, name: 'python3' };
      if (Connection === undefined || wsUrl === undefined) {
        const kernel = kernels.connectTo({ model });
        Connection = kernel.constructor;
        if (wsUrl === undefined) return kernel;
        kernel.dispose();
      }
      const far = { ...serverSettings, wsUrl, token: %(token)s, appendToken: true };
      return new Connection({ model, handleComms: true, serverSettings: far });
    },
    files: () => [...document.getElementById('bench-file').files]
  };
  window.bench = createBench(host, { ours, theirs }, createVerbs);
  return true;
})()
"""


class Client(Protocol):
    """Somebody who measures."""

    #: What stands in the rows.
    name: str

    def call(self, command: str, **args: Any) -> Any:
        """Run a command of `page_end.js` and return its result."""

    def processes(self) -> list[psutil.Process]:
        """Return the processes that do the client's work."""

    def choose_file(self, path: Path) -> None:
        """Have the user choose a file, for the command ``addFile``."""


def message_port_client(folder: Path) -> Path:
    """Bundle the unmodified ipfs-message-port-client into one module, as any application would."""
    entry = "export { IPFSClient } from 'ipfs-message-port-client'; export { CID } from 'multiformats/cid';"
    return bundle(entry, folder / "ipfs-message-port-client.mjs", REPO / "labextension")


def bundle(entry: str, into: Path, packages: Path, form: str = "esm") -> Path:
    """Bundle the module with the text `entry`, which lies in the folder `packages`, for browsers; return `into`."""
    esbuild = REPO / "labextension" / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", f"--format={form}", "--platform=browser", "--define:global=globalThis", "--log-level=error"]
    subprocess.run(
        [str(esbuild), *options, f"--outfile={into}"], input=entry, text=True, check=True, timeout=60, cwd=packages
    )
    return into


class Tab:
    """A page in Chromium."""

    def __init__(self, page: chromium.Page, browser: psutil.Process, name: str = "JupyterLab") -> None:
        self._page, self._browser = page, browser
        self.name = name

    def call(self, command: str, **args: Any) -> Any:
        """Run a command in the page."""
        return self._page.evaluate(f"window.bench.{command}({json.dumps(args)})")

    def processes(self) -> list[psutil.Process]:
        """Return the renderers: one is the page, the others are idle spares."""
        return [child for child in self._browser.children(recursive=True) if "--type=renderer" in _arguments(child)]

    def choose_file(self, path: Path) -> None:
        """Put `path` into a file input of the page."""
        self._page.choose_file("bench-file", path)


class Node:
    """A process of Node, which takes commands on its standard input."""

    def __init__(self, process: subprocess.Popen[str], name: str = "Node") -> None:
        self._process = process
        self.name = name

    def call(self, command: str, **args: Any) -> Any:
        """Run a command in the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended during {command}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']}")
        return answer["value"]

    def processes(self) -> list[psutil.Process]:
        """Return the one process."""
        return [psutil.Process(self._process.pid)]

    def choose_file(self, path: Path) -> None:
        """Refuse: there is no user in Node."""
        raise NotImplementedError(f"{path} can only be chosen in a page")


@contextlib.contextmanager
def in_jupyterlab(server: Server) -> Iterator[Client]:
    """Open JupyterLab in Chromium."""
    theirs = message_port_client(server.scratch)
    with chromium.jupyterlab(server) as (page, pid):
        sources = {"page": HERE / "page_end.js", "verbs": HERE / "verbs_end.js", "ours": LIBRARY, "theirs": theirs}
        texts = {name: json.dumps(path.read_text("utf-8")) for name, path in sources.items()}
        page.evaluate(PAGE % {**texts, "token": json.dumps(server.token)})
        yield Tab(page, psutil.Process(pid))


@contextlib.contextmanager
def in_node(server: Server, clients: Path | None = None) -> Iterator[Client]:
    """Start the client in Node; the module `clients` makes those that are on no connection to a kernel."""
    files = {"library": str(LIBRARY), "client": str(message_port_client(server.scratch))}
    if clients is not None:
        files["clients"] = str(clients)
    options = json.dumps({"url": server.url, "token": server.token, **files})
    with node_process("Node", HERE / "node_end.mjs", options, log=server.scratch / "node.log") as client:
        yield client


@contextlib.contextmanager
def node_process(name: str, script: Path, *arguments: str, log: Path) -> Iterator[Client]:
    """Start a script that answers commands (`commands.mjs`) in Node."""
    with log.open("w") as said:
        process = subprocess.Popen(
            ["node", "--expose-gc", str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        try:
            yield Node(process, name)
        finally:
            stop(process)


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


CLIENTS: dict[str, Callable[[Server], contextlib.AbstractContextManager[Client]]] = {
    "node": in_node,
    "lab": in_jupyterlab,
}
