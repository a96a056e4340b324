"""Fixtures of the tests that drive real kernels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kernel_support import Kernel, Page, interpreters, start_kernel


@pytest.fixture(params=interpreters(), ids=lambda python: Path(python).parts[-3])
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter whose kernel is tested."""
    return str(request.param)


@pytest.fixture
async def kernel(python: str, tmp_path: Path) -> AsyncIterator[Kernel]:
    """A fresh kernel."""
    async with start_kernel(python, tmp_path) as kernel:
        yield kernel


@pytest.fixture
async def page(kernel: Kernel) -> Page:
    """A client of a fresh kernel."""
    return await kernel.page()


@pytest.fixture
async def loaded(page: Page) -> Page:
    """A client of a kernel in which the extension is loaded."""
    await page.run("%load_ext ipfs_comm")
    return page
