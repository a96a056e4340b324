"""The JavaScript that the package ships for widgets: the front end of its own, and a library for those of others."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from ipfs_comm.errors import InvalidInputError, NotSupportedError

__all__ = ["esm", "library"]

#: Built from ``labextension/src/widget.ts``.
_FILE = Path(__file__).with_name("static") / "widget.js"

_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(["'])ipfs-comm\2""")


def library() -> str:
    """Return the source of the front end, a module of JavaScript.

    Returns
    -------
    str
        Its default export is the widget of ``%%ipfs_js`` cells; ``connectModel`` and ``IPFSClient`` are those of the
        npm package.

    Raises
    ------
    NotSupportedError
        If the package was installed from source without its front end having been built.
    """
    if not _FILE.is_file():
        raise NotSupportedError(
            f"the widgets' front end {_FILE.name} was not built: install ipfs-comm from a wheel, or run `make setup`"
        )
    return _FILE.read_text("utf-8")


def esm(source: str) -> str:
    """Return the front end of a widget of your own, for its ``_esm``, in which ``import … from "ipfs-comm"`` works.

    The library is part of the result, so nothing is looked up and the frontend needs no extension of ours.

    Parameters
    ----------
    source : str
        A module of JavaScript that imports ``connectModel`` or ``IPFSClient``.

    Returns
    -------
    str
        The same with the library in the place of its name.

    Raises
    ------
    InvalidInputError
        If the source does not import the library.
    NotSupportedError
        If the front end was not built.
    """
    url = f"data:text/javascript;base64,{base64.b64encode(library().encode()).decode()}"
    made, count = _IMPORT.subn(lambda found: f"{found[1]}{found[2]}{url}{found[2]}", source)
    if count == 0:
        raise InvalidInputError('the source imports nothing from "ipfs-comm", so it needs no library')
    return made
