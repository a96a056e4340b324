"""The prebuilt labextension in JupyterLab and Notebook 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_its_plugins_are_active(server: Server, open_lab: Callable[..., Lab], app: str) -> None:
    lab = open_lab(server, server.write(f"plugins-{app}.ipynb", "1"), app=app)
    active = lab.page.evaluate(
        "() => ['ipfs-comm:ports', 'ipfs-comm:cells'].map(id => jupyterapp.isPluginActivated(id))"
    )
    assert active == [True, True]


def test_another_extension_can_ask_for_a_client_by_the_token(server: Server, open_lab: Callable[..., Lab]) -> None:
    lab = open_lab(server, server.write("token.ipynb", "%load_ext ipfs_comm"))
    lab.run_cell(0)
    found = lab.evaluate(
        """const { IIpfs } = (await _JUPYTERLAB['ipfs-comm'].get('./index'))();
        let client;
        const activate = async (_, ipfs) => { client = await ipfs.client(kernel); };
        jupyterapp.registerPlugin({ id: 'test:token', requires: [IIpfs], activate });
        await jupyterapp.activatePlugin('test:token');
        return String((await client.add('token')).cid).slice(0, 2);"""
    )
    assert found == "Qm"
