"""A Jupyter server of its own, its kernels, and the folders both leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REPO", "Server", "free_port", "running", "stop", "wait_for"]

REPO = Path(__file__).resolve().parents[2]
#: Seconds that a process may take to answer for the first time.
START = 60.0


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = START) -> bytes:
    """Return the body at `url` as soon as somebody answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, the hard way after five seconds."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """A Jupyter server that is up.

    Attributes
    ----------
    url, token : str
        Where it is, with a slash at the end, and what it wants to see.
    pid : int
        Its process.
    scratch : Path
        A folder that goes with it.
    environment : dict
        The environment it runs in; its HOME is in `scratch`.
    """

    def __init__(self, url: str, token: str, pid: int, scratch: Path, environment: dict[str, str]) -> None:
        self.url, self.token, self.pid = url, token, pid
        self.scratch, self.environment = scratch, environment

    def start_kernel(self) -> str:
        """Start a kernel and return its id."""
        return str(self._call("POST", "kernels", {"name": "python3"})["id"])

    def stop_kernel(self, kernel: str) -> None:
        """Shut a kernel down."""
        self._call("DELETE", f"kernels/{kernel}")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Run a JupyterLab server for the time of a ``with``; from then on SIGTERM ends the script in order."""
    # Server, browser and kernels have sessions of their own, and would outlive a script that dies at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="ipfs-comm-bench-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        work = scratch / "work"
        work.mkdir()
        port, token = free_port(), secrets.token_hex(16)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPFS_COMM", "XDG"))}
        environment |= {
            "HOME": folder,
            "IPFS_COMM_REPO": ":memory:",
            "IPFS_COMM_GATEWAYS": "",
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        options = {
            "ServerApp.port": port,
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.root_dir": work,
            "ServerApp.allow_root": True,
            # A page reaches its kernels through lines that stand on ports of their own.
            "ServerApp.allow_origin": "*",
            "ServerApp.open_browser": False,
            "IdentityProvider.token": token,
            "LabApp.expose_app_in_browser": True,
            "LabApp.news_url": "",
        }
        command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
        with (scratch / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, cwd=work, stdout=log, stderr=log, start_new_session=True
            )
            try:
                url = f"http://127.0.0.1:{port}/"
                try:
                    wait_for(f"{url}api?token={token}")
                except OSError as error:
                    said = (scratch / "server.log").read_text("utf-8")
                    raise RuntimeError(f"JupyterLab did not start:\n{said}") from error
                yield Server(url, token, process.pid, scratch, environment)
            finally:
                stop(process)
