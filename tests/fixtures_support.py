"""Where the conformance fixtures are, and which of their cases are known not to hold yet."""

from __future__ import annotations

import json
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parent.parent


def fixtures_root() -> Path | None:
    """Return the folder of fixtures, or None where a clone has none.

    Raises
    ------
    FileNotFoundError
        In CI, and where ``IPFS_COMM_FIXTURES`` names a folder that is not there.
    """
    named = os.environ.get("IPFS_COMM_FIXTURES")
    root = Path(named) if named else REPO.parent / "shared" / "fixtures"
    if root.is_dir():
        return root.resolve()
    if named or os.environ.get("CI") == "true":
        raise FileNotFoundError(
            f"no conformance fixtures in {root}: set IPFS_COMM_FIXTURES to the folder that holds them"
        )
    return None


@cache
def expected_failures() -> dict[str, dict[str, str]]:
    """Return ``{area: {case id: reason}}``."""
    path = Path(__file__).with_name("expected_failures.toml")
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def load(area: str, name: str) -> dict[str, Any] | None:
    """Return the parsed JSON file ``area/name``; None where the area is absent and that is allowed."""
    root = fixtures_root()
    if root is None or not (root / area / name).is_file():
        if root is not None and "IPFS_COMM_FIXTURES" not in os.environ and os.environ.get("CI") == "true":
            raise FileNotFoundError(f"the fixtures have no {area}/{name}")
        return None
    parsed: dict[str, Any] = json.loads((root / area / name).read_text("utf-8"))
    return parsed


def cases(area: str, name: str) -> list[Any]:
    """Return one ``pytest.param`` a case of ``area/name``, for ``pytest.mark.parametrize``.

    A case listed in ``expected_failures.toml`` is ``xfail(strict=True)`` with its reason. Where the fixtures are
    absent, one parameter that is skipped says so.
    """
    document = load(area, name)
    if document is None:
        return [
            pytest.param(
                None,
                id="absent",
                marks=[pytest.mark.fixtures, pytest.mark.skip(reason=f"no fixtures {area}/{name} in this clone")],
            )
        ]
    known = expected_failures().get(area, {})
    parameters = []
    for case in document["cases"]:
        marks: list[Any] = [pytest.mark.fixtures]
        if reason := known.get(case["id"]):
            marks.append(pytest.mark.xfail(strict=True, reason=reason))
        parameters.append(pytest.param(case, id=case["id"], marks=marks))
    return parameters
