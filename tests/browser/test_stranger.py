"""The first seconds of a stranger: the right thing, or within three seconds a message that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.lab import Lab, Server

LOAD = "%load_ext ipfs_comm"
COUNT = "localStorage.runs = Number(localStorage.runs ?? 0) + 1;"
HELLO = f"%%ipfs_js\n{COUNT}\nreturn String((await ipfs.add('hello')).cid)"
HELLO_CID = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"

#: A connect that gives its error and the seconds it took.
FAILURE = """
const begun = performance.now();
const error = await ours.connect(kernel).then(() => null, reason => reason);
return [error && `${error.code}: ${error.message}`, (performance.now() - begun) / 1000];
"""


def failure(lab: Lab) -> str:
    """Return what a failing connect says, having checked that it said so in time."""
    message, seconds = lab.evaluate(FAILURE)
    assert message is not None, "connect worked where it should not"
    assert seconds < 3.0
    return str(message)


def test_a_page_that_is_open_before_the_extension_is_loaded_is_told_what_to_run(
    server: Server, open_lab: Callable[..., Lab], page_library: str
) -> None:
    lab = open_lab(server, server.write("before.ipynb", LOAD, HELLO))
    lab.load_module("ours", page_library)
    assert "%load_ext ipfs_comm" in failure(lab)
    lab.run_all()
    lab.finished()
    assert HELLO_CID in lab.text(1)


def test_a_page_that_connects_while_the_extension_is_being_loaded_gets_its_port(
    server: Server, open_lab: Callable[..., Lab], page_library: str
) -> None:
    lab = open_lab(server, server.write("during.ipynb", LOAD))
    lab.load_module("ours", page_library)
    found = lab.evaluate(
        """const connecting = ours.connect(kernel).then(() => 'connected', error => error.message);
        lab.start(0);
        return connecting;"""
    )
    assert found == "connected"


def test_an_opening_that_is_given_up_is_closed_in_the_kernel(
    server: Server, open_lab: Callable[..., Lab], page_library: str
) -> None:
    lab = open_lab(server, server.write("given-up.ipynb", "1"))
    lab.load_module("ours", page_library)
    sent = lab.evaluate(
        """const sent = [];
        const note = (_, { msg, direction }) => {
          const { msg_type } = msg.header;
          if (direction === 'send' && msg.channel === 'control' && msg_type.startsWith('comm_')) sent.push(msg_type);
        };
        kernel.anyMessage.connect(note);
        for (const end of [abort => abort.abort(), () => window.dispatchEvent(new Event('pagehide'))]) {
          const abort = new AbortController();
          const connecting = ours.connect(kernel, { signal: abort.signal }).catch(() => null);
          end(abort);
          await connecting;
          await new Promise(done => setTimeout(done));
        }
        kernel.anyMessage.disconnect(note);
        return sent;"""
    )
    assert sent == ["comm_open", "comm_close"] * 2


def test_loading_twice_changes_nothing(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("twice.ipynb", LOAD, LOAD, HELLO))
    lab.run_all()
    lab.finished()
    assert "already loaded" in lab.text(1)
    assert not any(output["output_type"] == "error" for output in lab.outputs(1))
    assert HELLO_CID in lab.text(2)


def test_a_kernel_restart_closes_ports_at_once_and_says_what_to_run(
    server: Server, open_lab: Callable[..., Lab], page_library: str
) -> None:
    lab = open_lab(server, server.write("restart.ipynb", LOAD, HELLO))
    lab.load_module("ours", page_library)
    lab.run_cell(0)
    lab.evaluate(
        """const port = await ours.connect(kernel);
        port.onclose = () => { window.portClosed = port.error?.message ?? 'closed'; };
        port.start();"""
    )
    lab.restart_kernel()
    said = lab.wait("() => window.portClosed", seconds=3)
    assert "restarted" in said
    assert "%load_ext ipfs_comm" in said
    assert "%load_ext ipfs_comm" in failure(lab)
    lab.run_all()
    lab.finished()
    assert HELLO_CID in lab.text(1)


def test_a_reload_in_mid_run_runs_nothing_again_and_the_cell_ends(server: Server, open_lab: Callable[..., Lab]) -> None:
    forever = f"%%ipfs_js\n{COUNT}\nelement.textContent = 'begun'; await new Promise(() => {{}});"
    lab = open_lab(server, server.write("midrun.ipynb", LOAD, forever, "1 + 1"))
    lab.run_cell(0)
    lab.start_cell(1)
    lab.wait("() => document.querySelector('.jp-ipfs-comm-live')?.textContent === 'begun'")
    lab.save()
    lab.reload()
    lab.wait("() => lab.idle", seconds=10)
    assert lab.run_cell(2)[0]["data"]["text/plain"] == "2"
    assert int(lab.page.evaluate("() => localStorage.runs")) == 1


def test_two_notebooks_on_one_kernel_both_run_cells(server: Server, open_lab: Callable[..., Lab]) -> None:
    first = server.write("first.ipynb", LOAD, HELLO)
    second = server.write("second.ipynb", HELLO)
    lab = open_lab(server, first)
    lab.run_all()
    lab.finished()
    lab.evaluate(
        """const options = { path: argument, factory: 'Notebook', kernel: { id: kernel.id } };
        await jupyterapp.commands.execute('docmanager:open', options);""",
        second,
    )
    lab.wait("() => lab.panel?.context?.path === 'second.ipynb'")
    lab.ready()
    lab.run_cell(0)
    assert HELLO_CID in lab.text(0)
    assert lab.page.evaluate("() => new Set([...jupyterapp.serviceManager.kernels.running()].map(k => k.id)).size") == 1


def test_without_the_labextension_cells_run_all_the_same(
    start_server: Callable[..., Server], tmp_path: Path, open_lab: Callable[..., Lab]
) -> None:
    server = start_server(tmp_path / "plain", with_labextension=False)
    lab = open_lab(server, server.write("plain.ipynb", LOAD, HELLO, "1 + 1"))
    lab.run_all()
    lab.finished()
    lab.wait("cid => window.jupyterapp.shell.currentWidget.content.node.innerText.includes(cid)", HELLO_CID)
    assert lab.outputs(2)[0]["data"]["text/plain"] == "2"


def test_a_kernel_without_the_package_is_named_with_the_command_that_installs_it(
    server: Server, open_lab: Callable[..., Lab], page_library: str
) -> None:
    lab = open_lab(server, server.write("bare.ipynb", LOAD, HELLO, kernel="bare"))
    lab.load_module("ours", page_library)
    said = failure(lab)
    assert "%load_ext ipfs_comm" in said
    assert "%pip install ipfs-comm" in said


def test_a_read_only_home_is_named_with_the_command_that_works_without_it(
    start_server: Callable[..., Server], tmp_path: Path, open_lab: Callable[..., Lab]
) -> None:
    # Root may write anywhere, so the folder for data is one that nobody can make: below a file.
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("a file")
    server = start_server(
        tmp_path / "readonly", environment={"HOME": str(obstacle / "home"), "XDG_DATA_HOME": str(obstacle / "data")}
    )
    lab = open_lab(
        server, server.write("readonly.ipynb", LOAD, "await ipfs.add(b'kept')", "%ipfs repo :memory:", HELLO)
    )
    lab.run_cell(0)
    lab.run_cell(1)
    (said,) = lab.errors(1)
    assert str(obstacle / "data") in said
    assert "%ipfs repo" in said
    assert ":memory:" in said
    lab.run_cell(2)
    lab.run_cell(3)
    assert HELLO_CID in lab.text(3)


def test_installing_in_a_running_page_needs_no_reload(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(
        server, server.write("install.ipynb", "import sys; sys.meta_path.pop(0)", LOAD, HELLO, kernel="bare")
    )
    lab.run_all()
    lab.finished()
    assert HELLO_CID in lab.text(2)
