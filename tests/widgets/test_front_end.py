"""The front end for widgets: the library takes the place of its name."""

from __future__ import annotations

import base64

import pytest

from ipfs_comm import widgets
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.widgets.front_end import library


@pytest.mark.parametrize(
    "source",
    [
        'import { connectModel } from "ipfs-comm";',
        "import {\n  connectModel,\n  IPFSClient\n} from 'ipfs-comm'",
        'const { connectModel } = await import("ipfs-comm");',
        'import "ipfs-comm";',
    ],
)
def test_the_library_takes_the_place_of_its_name(source: str) -> None:
    made = widgets.esm(source)
    head, _, rest = made.partition("data:text/javascript;base64,")
    encoded = rest.partition(head[-1])[0]
    assert base64.b64decode(encoded).decode() == library()
    assert source.startswith(head)


def test_nothing_else_is_changed() -> None:
    source = 'import * as all from "ipfs-comm";\nconst text = "ipfs-comm", from = "not ipfs-comm";'
    assert widgets.esm(source).endswith('";\nconst text = "ipfs-comm", from = "not ipfs-comm";')


def test_a_source_that_needs_no_library_is_told_so() -> None:
    with pytest.raises(InvalidInputError, match="imports nothing"):
        widgets.esm("export default { render() {} };")


def test_the_library_exports_what_a_widget_needs() -> None:
    exports = library()[library().rindex("export{") :]
    assert all(name in exports for name in ("connectModel", "IPFSClient", "default"))
