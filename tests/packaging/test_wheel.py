"""The wheel alone gives a fresh environment with JupyterLab the whole main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command to its end and return what it said; a failure shows all of it."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "VIRTUAL_ENV", "PYTHONPATH"))}
        | environment,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ".", cwd=REPO)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a new environment with the wheel and JupyterLab, and nothing of this clone."""
    home = tmp_path_factory.mktemp("environment")
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--python", sys.executable, home / "venv", cwd=home)
    python = home / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(
        *uv,
        "pip",
        "install",
        "--python",
        python,
        "--constraint",
        REPO / "requirements/dev.txt",
        wheel,
        "jupyterlab",
        "nbclient",
        cwd=home,
    )
    return python.parent


def test_holds_the_built_labextension_and_nothing_of_the_workshop(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shared = [n.split(".data/data/")[1] for n in names if ".data/data/" in n]
    assert "share/jupyter/labextensions/ipfs-comm/package.json" in shared
    assert "share/jupyter/labextensions/ipfs-comm/install.json" in shared
    assert any(n.startswith("share/jupyter/labextensions/ipfs-comm/static/remoteEntry") for n in shared)
    assert any(n.startswith("ipfs_comm/widgets/static/") and n.endswith(".js") for n in names)
    assert not [n for n in names if n.startswith(("tests/", "labextension/", "benchmarks/", "notebooks/"))]
    assert not [n for n in names if "node_modules" in n]


def test_jupyterlab_finds_the_labextension_enabled_without_any_command(environment: Path, tmp_path: Path) -> None:
    listed = run(environment / "jupyter", "labextension", "list", cwd=tmp_path, HOME=str(tmp_path))
    (line,) = [line for line in listed.splitlines() if "ipfs-comm" in line]
    assert "enabled" in line
    assert "OK" in line


def test_the_python_part_of_the_quickstart_runs_there(environment: Path, tmp_path: Path) -> None:
    notebook = json.loads((REPO / "notebooks/01-quickstart.ipynb").read_text("utf-8"))
    python_cells = []
    for cell in notebook["cells"]:
        if "".join(cell["source"]).startswith("%%ipfs_js"):
            break
        python_cells.append(cell)
    notebook["cells"] = python_cells
    (tmp_path / "part.ipynb").write_text(json.dumps(notebook), "utf-8")
    run(
        environment / "jupyter",
        "execute",
        "--inplace",
        "part.ipynb",
        cwd=tmp_path,
        HOME=str(tmp_path),
        IPFS_COMM_REPO=":memory:",
    )
    executed = json.loads((tmp_path / "part.ipynb").read_text("utf-8"))
    outputs = [o for cell in executed["cells"] for o in cell.get("outputs", [])]
    assert outputs
    assert not [o for o in outputs if o["output_type"] == "error"]


def test_no_node_is_needed_at_run_time(environment: Path) -> None:
    assert shutil.which("node", path=str(environment)) is None
