"""A real JupyterLab, or any page, in a headless Chromium, driven by nothing but ``Runtime.evaluate``.

DevTools' Network domain copies every websocket frame to the driver and makes a page several times slower; so does
Playwright. Here neither is ever on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import websocket

from harness.server import free_port, stop, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.server import Server

__all__ = ["Page", "browser", "jupyterlab"]

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-allow-origins=*",
    "--js-flags=--expose-gc",
]
#: Seconds that Chromium and JupyterLab in it may take to be there, and that one command may take.
START = 60.0
COMMAND = 1800.0


class Page:
    """One tab, over the Chrome DevTools protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=COMMAND)
        self._id = 0

    def evaluate(self, expression: str) -> Any:
        """Return what the JavaScript `expression`, awaited, is worth as JSON."""
        return self._evaluate(expression, returnByValue=True).get("value")

    def choose_file(self, ident: str, path: Path) -> None:
        """Have a file input with this id, made if need be, hold the file at `path`."""
        make = "Object.assign(document.body.appendChild(document.createElement('input')), {type: 'file', id: %s})"
        found = self._evaluate(f"document.getElementById({json.dumps(ident)}) ?? {make % json.dumps(ident)}")
        self._send("DOM.setFileInputFiles", {"files": [str(path)], "objectId": found["objectId"]})

    def close(self) -> None:
        """Let go of the tab."""
        self._socket.close()

    def _evaluate(self, expression: str, **options: Any) -> dict[str, Any]:
        result = self._send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, **options})
        if "exceptionDetails" in result:
            details = result["exceptionDetails"].get("exception", result["exceptionDetails"])
            raise RuntimeError(details.get("description") or json.dumps(details))
        return dict(result["result"])

    def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._id += 1
        self._socket.send(json.dumps({"id": self._id, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != self._id:
                continue
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            return dict(message["result"])


@contextlib.contextmanager
def browser(
    url: str, ready: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Page, int]]:
    """Start a Chromium at `url`; give the page once the expression `ready` is true in it, and the pid.

    Profile and log lie in `folder`.
    """
    chromium = os.environ.get("IPFS_COMM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise FileNotFoundError("no Chromium: run `make browser` or set IPFS_COMM_CHROMIUM")
    port = free_port()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "chromium.log").open("wb"))
        process = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={folder / 'chromium'}", f"--remote-debugging-port={port}", url],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(stop, process)
        wait_for(f"http://127.0.0.1:{port}/json/version")
        page = Page(_tab(port, url.partition("?")[0]))
        stack.callback(page.close)
        deadline = time.monotonic() + START
        while not page.evaluate(ready):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not become ready")
            time.sleep(0.2)
        yield page, process.pid


@contextlib.contextmanager
def jupyterlab(server: Server) -> Iterator[tuple[Page, int]]:
    """Start a Chromium on `server`; give the page once its application stands in ``window.jupyterapp``, and the pid."""
    ready = "Boolean(window.jupyterapp && window.jupyterapp.serviceManager.isReady)"
    with browser(f"{server.url}lab?token={server.token}", ready, server.scratch, server.environment) as found:
        yield found


def _tab(port: int, url: str) -> str:
    """Return the address of the tab that holds `url`."""
    deadline = time.monotonic() + START
    while True:
        for tab in json.loads(wait_for(f"http://127.0.0.1:{port}/json")):
            if tab["type"] == "page" and tab["url"].startswith(url):
                return str(tab["webSocketDebuggerUrl"])
        if time.monotonic() > deadline:
            raise TimeoutError(f"Chromium opened no {url}")
        time.sleep(0.1)
