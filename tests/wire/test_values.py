"""The tables of `docs/values.md` hold, row by row, in both languages and both directions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from wire.support import through
from wire.values import Refusal, Row, evaluate, is_as_told, tables

from ipfs_comm.errors import DataCloneError
from ipfs_comm.wire import MessagePort, clone

HERE = Path(__file__).parent
ROWS, REFUSALS = tables()
#: What only a page has.
OF_THE_PAGE = ("Float16Array", "input.files", "ImageData")


@cache
def verdicts() -> list[dict[str, Any]]:
    """Run all rows through Node and a Python process that it starts."""
    node = shutil.which("node")
    assert node is not None, "Node is needed to test what crosses to JavaScript"
    done = subprocess.run(
        [node, str(HERE / "values.mjs"), sys.executable],
        env=os.environ | {"PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE.parent.parent}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 70
    assert len(REFUSALS) > 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.python)
async def test_a_value_comes_back_as_the_table_says(row: Row) -> None:
    value = row.sent()
    if isinstance(value, MessagePort):
        encoded = clone.encode(value, ports=[value])
        assert clone.decode(encoded.root, encoded.entries, [], [value]) is value
    else:
        assert await is_as_told(through(value), row.expected())


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.python for row in ROWS])
def test_a_value_is_in_javascript_what_the_table_says(number: int) -> None:
    verdict = verdicts()[number]
    if verdict.get("absent"):
        assert any(name in ROWS[number].javascript for name in OF_THE_PAGE)
    else:
        assert verdict["sent"]["ok"], f"JavaScript has {verdict['sent']['shown']}"
        assert verdict["back"]["ok"], f"Python has {verdict['back']['shown']}"


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.python)
def test_what_is_refused_is_refused_as_the_table_says(refusal: Refusal) -> None:
    with pytest.raises(DataCloneError) as caught:
        clone.encode({"here": evaluate(refusal.python)})
    assert caught.value.detail["path"] == "message.here"
    assert refusal.says in str(caught.value)
