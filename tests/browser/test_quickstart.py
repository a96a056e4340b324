"""The quickstart notebook, run as a user runs it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import nbformat
from browser.lab import REPO

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.lab import Lab, Server

QUICKSTART = REPO / "notebooks" / "01-quickstart.ipynb"


def drawing(cells: list[Any]) -> int:
    """Return which cell shows a picture."""
    return next(i for i, cell in enumerate(cells) if cell.source.startswith("%%ipfs_js") and "element" in cell.source)


def test_run_all_gives_every_output_and_a_picture(server: Server, open_lab: Callable[..., Lab]) -> None:
    shutil.copy(QUICKSTART, server.notebooks / QUICKSTART.name)
    lab = open_lab(server, QUICKSTART.name)
    lab.run_all()
    lab.finished(seconds=90)
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    for index, cell in enumerate(cells):
        assert lab.errors(index) == [], cell.source
    lab.show_image(drawing(cells))
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
