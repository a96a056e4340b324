"""A real JupyterLab, a real kernel and Debian's Chromium for the tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser.lab import REPO, Lab, Server
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Playwright

LABEXTENSION = REPO / "ipfs_comm" / "labextension"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here: all of them need the browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def labextension() -> Path:
    """The built labextension, as it goes into the wheel."""
    assert (LABEXTENSION / "package.json").is_file(), f"{LABEXTENSION} is not built: run `make setup`"
    return LABEXTENSION


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver of the browser."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium; a machine without it fails, since a test that did not run proves nothing."""
    named = os.environ.get("IPFS_COMM_CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium found: run `make browser`, or name one in IPFS_COMM_CHROMIUM"
    chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS, timeout=60_000)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def start_server(labextension: Path) -> Iterator[Callable[..., Server]]:
    """Start a Jupyter server with folders of its own; it ends with the session."""
    with ExitStack() as stack:

        def start(folder: Path, **options: object) -> Server:
            server = Server(folder, labextension=labextension, **options)  # type: ignore[arg-type]  # checked by Server
            stack.callback(server.stop)
            server.start()
            return server

        yield start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server that most tests share; each has notebooks and kernels of its own."""
    return start_server(tmp_path_factory.mktemp("jupyter"))


@pytest.fixture
def open_lab(browser: Browser) -> Iterator[Callable[..., Lab]]:
    """Open JupyterLab in a page of its own; pages of one test share nothing but the server."""
    with _pages(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_shared_lab(browser: Browser) -> Iterator[Callable[..., Lab]]:
    """Open JupyterLab in a page that the tests of one module share."""
    with _pages(browser) as opened:
        yield opened


@contextmanager
def _pages(browser: Browser) -> Iterator[Callable[..., Lab]]:
    with ExitStack() as stack:

        def opened(server: Server, notebook: str | None = None, **options: object) -> Lab:
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            stack.callback(context.close)
            lab = Lab(context.new_page(), server)
            stack.callback(lab.shut_kernels)
            lab.goto(notebook, **options)  # type: ignore[arg-type]  # checked by Lab
            return lab

        yield opened


@pytest.fixture(scope="session")
def message_port_client() -> str:
    """The unmodified ipfs-message-port-client as one module, bundled as any application would."""
    esbuild = REPO / "labextension" / "node_modules" / ".bin" / "esbuild"
    entry = "export { IPFSClient } from 'ipfs-message-port-client'; export { CID } from 'multiformats/cid';"
    done = subprocess.run(
        [
            str(esbuild),
            "--bundle",
            "--format=esm",
            "--platform=browser",
            "--define:global=globalThis",
            "--log-level=error",
        ],
        input=entry,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=REPO / "labextension",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def page_library() -> str:
    """The npm package's one file."""
    return (REPO / "labextension" / "lib" / "index.js").read_text("utf-8")
