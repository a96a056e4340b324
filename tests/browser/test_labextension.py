"""The prebuilt labextension in JupyterLab and Notebook 7."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser.lab import Lab, Server


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_its_plugins_are_active(server: Server, open_lab: Callable[..., Lab], app: str) -> None:
    lab = open_lab(server, server.write(f"plugins-{app}.ipynb", "1"), app=app)
    active = lab.page.evaluate("() => ['ipfs-comm:ports', 'ipfs-comm:cells'].map(id => window.jupyterapp.isPluginActivated(id))")
    assert active == [True, True]


def test_another_extension_can_ask_for_a_client_by_the_token(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("token.ipynb", "%load_ext ipfs_comm"))
    lab.run_cell(0)
    found = lab.evaluate(
        "const library = (await window._JUPYTERLAB['ipfs-comm'].get('./index'))(); let client;"
        "window.jupyterapp.registerPlugin({ id: 'test:token', requires: [library.IIpfs], activate: async (_, ipfs) => { client = await ipfs.client(kernel); } });"
        "await window.jupyterapp.activatePlugin('test:token'); return String((await client.add('token')).cid).slice(0, 2);"
    )
    assert found == "Qm"
