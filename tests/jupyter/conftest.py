"""Fixtures of the tests that drive real kernels.

A kernel takes seconds to start, so the tests of a module share one: each has a client of its own, and leaves
the kernel without the extension and without names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from kernel_support import Kernel, Page, interpreters, start_kernel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLEAN = """
import os
os.environ.pop('VSCODE_PID', None)
if 'ipfs_comm' in get_ipython().extension_manager.loaded:
    get_ipython().extension_manager.unload_extension('ipfs_comm')
%reset -f
"""


@pytest.fixture(scope="module", params=interpreters(), ids=lambda python: Path(python).parts[-3])
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter whose kernel is tested."""
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(python: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kernel]:
    """The kernel of a module's tests."""
    async with start_kernel(python, tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest_asyncio.fixture(loop_scope="module")
async def kernel(shared: Kernel) -> AsyncIterator[Kernel]:
    """A kernel that is as it was when it had started."""
    yield shared
    await shared.release()
    page = await shared.page()
    await page.run(CLEAN)
    await shared.release()


@pytest_asyncio.fixture(loop_scope="module")
async def page(kernel: Kernel) -> Page:
    """A client of a kernel."""
    return await kernel.page()


@pytest_asyncio.fixture(loop_scope="module")
async def loaded(page: Page) -> Page:
    """A client of a kernel in which the extension is loaded."""
    await page.run("%load_ext ipfs_comm")
    return page


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(python: str, tmp_path: Path) -> AsyncIterator[Page]:
    """A client of a kernel that no other test has used or will use."""
    async with start_kernel(python, tmp_path) as kernel:
        yield await kernel.page()
