"""The quickstart notebook, run as a user runs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import nbformat

from browser.lab import REPO, Lab, Server

QUICKSTART = REPO / "notebooks" / "01-quickstart.ipynb"


def test_run_all_gives_every_output_and_a_picture(server: Server, open_lab: Callable[..., Lab]) -> None:
    shutil.copy(QUICKSTART, server.notebooks / QUICKSTART.name)
    lab = open_lab(server, QUICKSTART.name)
    lab.run_all()
    lab.finished(seconds=90)
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    for index, cell in enumerate(cells):
        errors = [output for output in (lab.outputs(index) if cell.cell_type == "code" else []) if output["output_type"] == "error"]
        assert not errors, f"{cell.source}\n{lab.text(index)}"
    drawing = next(i for i, cell in enumerate(cells) if cell.source.startswith("%%ipfs_js") and "element" in cell.source)
    lab.shown(drawing)
    lab.wait(
        "() => [...document.querySelectorAll('.jp-ipfs-comm-live img, .jp-ipfs-comm-live svg, .jp-ipfs-comm-live canvas')]"
        ".some(i => !(i instanceof HTMLImageElement) || i.naturalWidth > 0)"
    )
    picture = lab.picture("quickstart")
    assert picture.stat().st_size > 10_000
    if os.environ.get("IPFS_COMM_UPDATE_PICTURES") == "1":
        target = REPO / "docs" / "images" / "quickstart.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)


def test_reload_shows_the_stored_results_and_runs_nothing(server: Server, open_lab: Callable[..., Lab]) -> None:
    name = f"stored-{QUICKSTART.name}"
    shutil.copy(QUICKSTART, server.notebooks / name)
    lab = open_lab(server, name)
    lab.run_all()
    lab.finished(seconds=90)
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    before = {index: lab.text(index) for index in code}
    lab.save()
    lab.reload()
    assert {index: lab.text(index) for index in code} == before
    assert lab.page.locator(".jp-ipfs-comm-live").count() == 0
