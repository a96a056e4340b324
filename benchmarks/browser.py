"""A real JupyterLab in a headless Chromium, driven by nothing but ``Runtime.evaluate``.

DevTools' Network domain copies every websocket frame to the driver and makes a page several times slower; so does
Playwright. Here neither is ever on.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import websocket

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-allow-origins=*",
]


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 60) -> bytes:
    """Return the body at ``url`` as soon as somebody answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Page:
    """One tab, over the Chrome DevTools protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=600)
        self._id = 0

    def evaluate(self, expression: str) -> Any:
        """Return what the JavaScript ``expression``, awaited, is worth as JSON."""
        self._id += 1
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        self._socket.send(json.dumps({"id": self._id, "method": "Runtime.evaluate", "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != self._id:
                continue
            result = message["result"]
            if "exceptionDetails" in result:
                raise RuntimeError(json.dumps(result["exceptionDetails"].get("exception", result["exceptionDetails"])))
            return result["result"].get("value")

    def close(self) -> None:
        """Let go of the tab."""
        self._socket.close()


@contextlib.contextmanager
def jupyterlab() -> Iterator[Page]:
    """Start JupyterLab and a Chromium on it; give the page once its application stands in ``window.jupyterapp``."""
    chromium = os.environ.get("IPFS_COMM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise FileNotFoundError("no Chromium: install it or set IPFS_COMM_CHROMIUM")
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        home = Path(scratch)
        work = home / "work"
        work.mkdir()
        port, cdp, token = free_port(), free_port(), secrets.token_hex(16)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
        environment |= {"HOME": scratch, "IPFS_COMM_REPO": ":memory:", "JUPYTER_PLATFORM_DIRS": "1"}
        log = stack.enter_context((home / "lab.log").open("wb"))
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                f"--port={port}",
                "--ServerApp.ip=127.0.0.1",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={work}",
                "--LabApp.expose_app_in_browser=True",
            ],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(stop, server)
        wait_for(f"http://127.0.0.1:{port}/api?token={token}")
        browser = subprocess.Popen(
            [
                chromium,
                *CHROMIUM_FLAGS,
                f"--user-data-dir={home / 'chromium'}",
                f"--remote-debugging-port={cdp}",
                f"http://127.0.0.1:{port}/lab?token={token}",
            ],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(stop, browser)
        wait_for(f"http://127.0.0.1:{cdp}/json/version")
        deadline = time.monotonic() + 60
        while True:
            tabs = json.loads(wait_for(f"http://127.0.0.1:{cdp}/json"))
            tab = next((t for t in tabs if t["type"] == "page" and "/lab" in t["url"]), None)
            if tab:
                break
            if time.monotonic() > deadline:
                raise TimeoutError("Chromium opened no JupyterLab")
            time.sleep(0.1)
        page = Page(tab["webSocketDebuggerUrl"])
        stack.callback(page.close)
        deadline = time.monotonic() + 60
        while not page.evaluate("Boolean(window.jupyterapp && window.jupyterapp.serviceManager.isReady)"):
            if time.monotonic() > deadline:
                raise TimeoutError("JupyterLab did not start")
            time.sleep(0.2)
        yield page


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, the hard way after five seconds."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
