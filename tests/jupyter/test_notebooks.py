"""Notebooks without a page: what nbclient, nbconvert and papermill see."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from kernel_support import CELL, ROOT
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to run in, with a repository in memory."""
    monkeypatch.setenv("IPFS_COMM_REPO", ":memory:")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("VSCODE_PID", raising=False)
    return tmp_path


def run(notebook: Any, folder: Path) -> None:
    assert Path(sys.executable).exists()
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()


def test_a_notebook_adds_and_reads_and_a_page_cell_fails_soon_and_says_why(here: Path) -> None:
    cells = [
        "%load_ext ipfs_comm",
        "cid = (await ipfs.add(b'hello')).cid",
        "print(await ipfs.cat(cid))",
        "%%ipfs_js -o never\nreturn 1;",
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    started = time.monotonic()
    with pytest.raises(CellExecutionError, match="no page took this %%ipfs_js cell within 5 s") as caught:
        run(notebook, here)
    assert caught.value.ename == "NoPageError"
    assert notebook.cells[2].outputs[0]["text"] == "b'hello'\n"
    assert notebook.cells[3].outputs[0]["data"][CELL]["state"] == "error"
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_python_part_of_each_notebook_runs(path: Path, here: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    first = next(
        (i for i, cell in enumerate(notebook.cells) if cell.source.startswith("%%ipfs_js")), len(notebook.cells)
    )
    notebook.cells = notebook.cells[:first]
    run(notebook, here)
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and not cell.execution_count] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
