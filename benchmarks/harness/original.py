"""The original behind its own server: where its users ran it, and where it is fastest."""

from __future__ import annotations

import contextlib
import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import psutil

from harness.chromium import browser
from harness.clients import Tab, bundle, node_process
from harness.server import REPO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.clients import Client

__all__ = ["in_shared_worker", "in_worker_thread"]

#: Its packages, and the few lines that tie them together.
ORIGINAL = REPO / "benchmarks" / "rpc"
PAGE = "<!doctype html><meta charset=utf-8><title>The original</title><script src=page.js></script>"


@contextlib.contextmanager
def in_shared_worker(scratch: Path) -> Iterator[Client]:
    """Run js-ipfs in a SharedWorker on IndexedDB, and the unmodified client in a page of the same Chromium."""
    _installed()
    folder = scratch / "original"
    site = folder / "site"
    site.mkdir(parents=True)
    for name in ("page.js", "shared-worker.js"):
        bundle((ORIGINAL / name).read_text("utf-8"), site / name, ORIGINAL, "iife")
    (site / "index.html").write_text(PAGE, "utf-8")
    with _served(site) as url, browser(url, "globalThis.failed ?? Boolean(globalThis.bench)", folder) as (page, pid):
        yield Tab(page, psutil.Process(pid), "SharedWorker")


@contextlib.contextmanager
def in_worker_thread(scratch: Path) -> Iterator[Client]:
    """Run js-ipfs in a worker thread of Node on memory, and the unmodified client in the main thread."""
    _installed()
    with node_process("Node", ORIGINAL / "main-thread.mjs", log=scratch / "original.log") as client:
        yield client


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on the loopback interface; give the address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of what is asked for."""


def _installed() -> None:
    if not (ORIGINAL / "node_modules").is_dir():
        raise FileNotFoundError("the original is not installed: run `make original`")
