"""A widget of somebody's own, with a port to the node by its model: with the labextension and without."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from browser.lab import REPO

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server

EXAMPLE = REPO / "notebooks" / "02-widget.ipynb"

#: What the widget of the example adds, as the kernel finds it.
LOOK = "await ipfs.cat((await ipfs.add('kept by a widget', only_hash=True)).cid)"

#: A widget whose front end uses the unmodified ipfs-message-port-client, from a file beside the notebook.
UNMODIFIED = '''
import base64, pathlib
import anywidget, traitlets
from ipfs_comm import widgets

theirs = base64.b64encode(pathlib.Path("theirs.js").read_bytes()).decode()

class Echo(anywidget.AnyWidget):
    said = traitlets.Unicode().tag(sync=True)
    _esm = widgets.esm("""
    import { connectModel } from "ipfs-comm";
    import { IPFSClient } from "data:text/javascript;base64,%s";

    async function render({ model, el }) {
      const client = IPFSClient.from(await connectModel(model));
      const data = new Uint8Array(3_000_000).map((_, i) => i %% 251);
      const { cid } = await client.add(new Blob([data]));
      let at = 0;
      let same = true;
      for await (const part of client.cat(cid)) for (const byte of part) same &&= byte === data[at++];
      el.textContent = `${at} bytes came back ${same ? "whole" : "changed"}`;
    }
    export default { render };
    """ % theirs)

echo = Echo()
widgets.serve(echo)
echo
'''


@pytest.fixture(scope="module")
def bare_server(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return a server that does not know the labextension."""
    return start_server(tmp_path_factory.mktemp("bare"), with_labextension=False)


@pytest.fixture(params=["with the labextension", "without the labextension"])
def either_server(request: pytest.FixtureRequest) -> Server:
    """Return a server that knows the labextension, and one that does not."""
    found: Server = request.getfixturevalue("server" if request.param.startswith("with ") else "bare_server")
    return found


def test_the_example_stores_by_its_widget_what_the_kernel_then_has(
    either_server: Server, open_lab: Callable[..., Lab]
) -> None:
    shutil.copy(EXAMPLE, either_server.notebooks / EXAMPLE.name)
    lab = open_lab(either_server, EXAMPLE.name)
    lab.run_all()
    lab.wait("text => document.body.innerText.includes(text)", "The kernel keeps Qm")
    lab.finished()
    assert [lab.errors(index) for index in range(4)] == [[], [], [], []]
    found = lab.evaluate(
        """let text = '';
        const future = kernel.requestExecute({ code: argument, store_history: false });
        future.onIOPub = ({ content }) => { text += content.data?.['text/plain'] ?? content.evalue ?? ''; };
        await future.done;
        return text;""",
        LOOK,
    )
    assert found == "b'kept by a widget'"


def test_the_unmodified_client_works_in_a_widget(
    either_server: Server, open_lab: Callable[..., Lab], message_port_client: str
) -> None:
    (either_server.notebooks / "theirs.js").write_text(message_port_client, "utf-8")
    lab = open_lab(either_server, either_server.write("echo.ipynb", "%load_ext ipfs_comm", UNMODIFIED))
    lab.run_all()
    shown = lab.wait("() => /\\d+ bytes came back \\w+/.exec(document.body.innerText)?.[0]")
    assert shown == "3000000 bytes came back whole"


def test_a_second_view_of_a_widget_takes_the_port(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = f"again-{EXAMPLE.name}"
    shutil.copy(EXAMPLE, server.notebooks / name)
    lab = open_lab(server, name)
    lab.run_all()
    lab.wait("text => document.body.innerText.includes(text)", "The kernel keeps Qm")
    lab.finished()
    # The widget is shown once more: its front end runs again and opens another link over the same model.
    lab.page.evaluate("() => lab.cell(2).sharedModel.setSource('keeper')")
    lab.run_cell(2)
    lab.wait("text => document.body.innerText.includes(text)", "The kernel keeps Qm")
