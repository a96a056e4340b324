"""A Jupyter server in folders of its own, and JupyterLab in a page, for the tests to drive."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from playwright.sync_api import Page

REPO = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPO / "build" / "screenshots"

#: Seconds that anything may take before the test fails.
PATIENCE = 60.0

TOKEN = "browser-tests"

#: A kernel in which the package is not installed, whatever the environment holds.
BARE_KERNEL = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ipfs_comm":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


class Server:
    """A Jupyter server with its own home, configuration, data and runtime folders.

    Parameters
    ----------
    folder : Path
        Where all of that goes.
    labextension : Path
        The built labextension.
    with_labextension : bool
        Whether the server knows it.
    environment : dict, optional
        More environment variables.
    """

    def __init__(
        self,
        folder: Path,
        *,
        labextension: Path,
        with_labextension: bool = True,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.home = folder / "home"
        self._runtime = folder / "runtime"
        self.url = ""
        self.log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        config = folder / "config"
        extensions = folder / "labextensions"
        kernel = folder / "data" / "kernels" / "bare"
        for made in (self.notebooks, self.home, self._runtime, config, extensions, kernel):
            made.mkdir(parents=True)
        if with_labextension:
            (extensions / "ipfs-comm").symlink_to(labextension, target_is_directory=True)
        for other in _other_labextensions():
            (extensions / other.name).symlink_to(other, target_is_directory=True)
        (config / "jupyter_server_config.json").write_text(
            json.dumps(
                {
                    app: {"labextensions_path": [str(extensions)], "expose_app_in_browser": True}
                    for app in ("LabApp", "JupyterNotebookApp")
                }
            )
        )
        (config / "labconfig").mkdir()
        (config / "labconfig" / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}})
        )
        argv = [sys.executable, "-Xfrozen_modules=off", "-c", BARE_KERNEL, "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Bare", "language": "python"}))
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPFS_COMM", "XDG"))},
            "HOME": str(self.home),
            "IPFS_COMM_GATEWAYS": "",
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "JUPYTER_NO_CONFIG": "",
            "PYTHONPATH": str(REPO),
            **(environment or {}),
        }

    def start(self) -> None:
        """Start the server and wait until it listens."""
        arguments = {
            "ServerApp.port": 0,
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.root_dir": str(self.notebooks),
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "IdentityProvider.token": TOKEN,
            "LabApp.news_url": "",
        }
        command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in arguments.items())]
        self._process = subprocess.Popen(
            command,
            cwd=self.notebooks,
            env=self._environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._reader.start()
        deadline = time.monotonic() + PATIENCE
        while not self.url:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError("the server did not start:\n" + "".join(self.log)) from None
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                self.url = found[0]

    def stop(self) -> None:
        """End the server and its kernels."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=20)
        self._reader.join(timeout=20)

    def signal(self, number: signal.Signals, *, seconds: float, then: signal.Signals) -> None:
        """Send the server a signal, and another one some seconds later."""
        assert self._process is not None
        self._process.send_signal(number)
        threading.Timer(seconds, self._process.send_signal, [then]).start()

    def add_kernel(self, name: str, **environment: str) -> str:
        """Let notebooks have a kernel with these environment variables; return its name."""
        folder = self.folder / "data" / "kernels" / name
        folder.mkdir()
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python", "env": environment}
        (folder / "kernel.json").write_text(json.dumps(spec))
        return name

    def write(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Write a notebook with these code cells into the server's folder."""
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        return self._write(nbformat.v4.new_notebook(cells=made), name, kernel)

    def copy(self, notebook: Path, name: str, kernel: str = "python3") -> str:
        """Copy a notebook into the server's folder, for another kernel."""
        return self._write(nbformat.read(notebook, as_version=4), name, kernel)

    def _write(self, notebook: Any, name: str, kernel: str) -> str:
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        nbformat.write(notebook, self.notebooks / name)
        return name

    def saved(self, name: str) -> Any:
        """Read a notebook as it is on disk."""
        return nbformat.read(self.notebooks / name, as_version=4)

    def call(self, method: str, path: str) -> Any:
        """Call the server's REST interface."""
        request = urllib.request.Request(
            f"{self.url}api/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.log.append(line)
                del self.log[:-500]
                if not self.url:
                    self._lines.put(line)


class Lab:
    """JupyterLab in one page.

    Parameters
    ----------
    page : playwright.sync_api.Page
        A fresh page.
    server : Server
        The server to open.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.console: list[str] = []
        page.set_default_timeout(PATIENCE * 1000)
        page.add_init_script(path=Path(__file__).with_name("page.js"))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"pageerror: {error}"))

    def goto(self, notebook: str | None = None, *, app: str = "lab", wait_for_kernel: bool = True) -> None:
        """Open the notebook, in a workspace of this page alone."""
        path = {"lab": f"lab/workspaces/t{id(self)}/tree/{notebook}", "notebook": f"notebooks/{notebook}"}[app]
        if notebook is None:
            path = f"lab/workspaces/t{id(self)}"
        self.page.goto(f"{self.server.url}{path}?token={TOKEN}&reset")
        self.ready(wait_for_kernel=wait_for_kernel and notebook is not None)

    def reload(self, *, wait_for_kernel: bool = True) -> None:
        """Reload the page as a user does."""
        self.page.reload()
        self.ready(wait_for_kernel=wait_for_kernel)

    def ready(self, *, wait_for_kernel: bool = True) -> None:
        """Wait until the application, and the notebook's kernel, can be used."""
        self.wait("() => lab.ready" if wait_for_kernel else "() => !!window.jupyterapp?.shell")

    def wait(self, predicate: str, argument: Any = None, *, seconds: float = PATIENCE) -> Any:
        """Wait until a function of the page is true, and return what it gave."""
        try:
            return self.page.wait_for_function(predicate, arg=argument, timeout=seconds * 1000).json_value()
        except Exception as error:
            self.picture("failed")
            error.add_note("console:\n" + "\n".join(self.console[-40:]))
            raise

    def run_all(self) -> None:
        """Run all cells by the menu."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def start_cell(self, index: int) -> None:
        """Begin to run one cell."""
        self.page.evaluate("index => lab.start(index)", index)

    def run_cell(self, index: int, *, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """Run one cell to its end and return its outputs."""
        before = self.cell(index)["count"]
        self.start_cell(index)
        self.wait("([index, before]) => lab.ran(index, before)", [index, before], seconds=seconds)
        return self.outputs(index)

    def finished(self, *, seconds: float = PATIENCE) -> None:
        """Wait until every cell has run and the kernel is idle."""
        self.wait("() => lab.finished()", seconds=seconds)

    def cell(self, index: int) -> dict[str, Any]:
        """Execution count and outputs of a cell, from the notebook's model."""
        found: dict[str, Any] = self.page.evaluate("index => lab.state(index)", index)
        return found

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell."""
        found: list[dict[str, Any]] = self.cell(index)["outputs"]
        return found

    def text(self, index: int) -> str:
        """All text that a cell's outputs hold: printed, results, and errors."""
        return "\n".join(texts(self.outputs(index)))

    def errors(self, index: int) -> list[str]:
        """The errors that a cell ended with."""
        return ["\n".join(output["traceback"]) for output in self.outputs(index) if output["output_type"] == "error"]

    def shown(self, index: int) -> str:
        """The text of a cell's output area as the user sees it."""
        found: str = self.page.evaluate("index => lab.shown(index)", index)
        return found

    def show_image(self, index: int) -> None:
        """Scroll to what a cell has drawn, and wait for the image in it."""
        self.shown(index)
        self.wait(
            "() => [...document.querySelectorAll('.jp-ipfs-comm-live img')].some(image => image.naturalWidth > 0)"
        )

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def restart_kernel(self) -> None:
        """Restart the notebook's kernel and wait for it."""
        self.page.evaluate("() => lab.kernel.restart()")
        self.ready()

    def load_module(self, name: str, source: str) -> None:
        """Put the exports of a module into a global of the page."""
        self.page.evaluate("([name, source]) => lab.load(name, source)", [name, source])

    def load_clients(self, page_library: str, message_port_client: str) -> None:
        """Put both clients into the page: ours, with `connect`, and the original's."""
        self.load_module("ours", page_library)
        self.load_module("theirs", message_port_client)

    def evaluate(self, body: str, argument: Any = None) -> Any:
        """Run the body of an async function with `kernel` (the notebook's) and `argument` in scope."""
        return self.page.evaluate(f"async argument => {{ const {{ kernel }} = lab; {body} }}", argument)

    def picture(self, name: str) -> Path:
        """Save a screenshot and return where."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def shut_kernels(self) -> None:
        """End the kernels of this page's notebooks, so that the next test has the machine for itself."""
        for kernel in self.server.call("GET", "kernels"):
            self.server.call("DELETE", f"kernels/{kernel['id']}")


def texts(outputs: list[dict[str, Any]]) -> list[str]:
    """The text of each output."""
    found = []
    for output in outputs:
        if output["output_type"] == "stream":
            found.append(_joined(output["text"]))
        elif output["output_type"] == "error":
            found.append("\n".join([output["ename"], output["evalue"], *output["traceback"]]))
        else:
            found.append(_joined(output["data"].get("text/plain", "")))
    return found


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _other_labextensions() -> list[Path]:
    """Folders of the environment's other labextensions; a scope is one folder. Ours is linked as it was built last."""
    share = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    return [path for path in share.iterdir() if path.name != "ipfs-comm"] if share.is_dir() else []
