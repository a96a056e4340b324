"""``key`` on a daemon, beside the embedded node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotSupportedError
from ipfs_comm.ipns import PrivateKey
from ipfs_comm.ipns.armor import export_key
from ipfs_comm.node.api import KeyResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.node import Node

KEY = PrivateKey.generate()
OTHER = PrivateKey.generate()
PASSWORD = "a password of some length"


async def prepared(node: Node) -> None:
    """Give a node two keys, the same each time."""
    for name, key in (("one", KEY), ("other", OTHER)):
        await node.key.import_(name, export_key(key, "libp2p-protobuf-cleartext"))


async def outcome(node: Node, call: Callable[[Node], Awaitable[object]]) -> object:
    """Return what a call gives, or the type and code of its error."""
    try:
        return await call(node)
    except IPFSCommError as error:
        return type(error), error.code


CALLS: dict[str, Callable[[Node], Awaitable[object]]] = {
    "info by name": lambda node: node.key.info("one"),
    "info by ID": lambda node: node.key.info(str(KEY.name)),
    "info by peer ID": lambda node: node.key.info(KEY.name.peer_id),
    "info of nothing": lambda node: node.key.info("nothing"),
    "rm": lambda node: node.key.rm("one"),
    "rm of nothing": lambda node: node.key.rm("nothing"),
    "rm of self": lambda node: node.key.rm("self"),
    "gen of a name that is taken": lambda node: node.key.gen("one"),
    "gen of self": lambda node: node.key.gen("self"),
    "gen of no name": lambda node: node.key.gen(""),
    "gen of no type": lambda node: node.key.gen("new", type="enigma"),
    "gen of too short a key": lambda node: node.key.gen("new", type="rsa", size=512),
    "rename": lambda node: node.key.rename("one", "new"),
    "rename of nothing": lambda node: node.key.rename("nothing", "new"),
    "rename to a name that is taken": lambda node: node.key.rename("one", "other"),
    "rename by force": lambda node: node.key.rename("one", "other", force=True),
    "rename of self": lambda node: node.key.rename("self", "new"),
    "rename to self": lambda node: node.key.rename("one", "self", force=True),
    "import to a name that is taken": lambda node: node.key.import_("one", export_key(OTHER, None, PASSWORD), PASSWORD),
    "import with another password": lambda node: node.key.import_("new", export_key(KEY, None, PASSWORD), "wrong" * 5),
    "import of no key": lambda node: node.key.import_("new", b"no key"),
    "import of PEM": lambda node: node.key.import_("new", export_key(KEY, "pem-pkcs8-cleartext")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_does_the_same_as_on_the_embedded_node(
    node: Node, embedded: Node, call: Callable[[Node], Awaitable[object]]
) -> None:
    await prepared(node)
    await prepared(embedded)
    assert await outcome(node, call) == await outcome(embedded, call)
    assert (await node.key.list())[1:] == (await embedded.key.list())[1:]


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "secp256k1"])
async def test_keys_are_made(node: Node, kind: str) -> None:
    made = await node.key.gen("made", type=kind)
    assert await node.key.info("made") == made == KeyResult("made", made.id)
    assert [key.name for key in await node.key.list()] == ["self", "made"]


async def test_kubo_makes_no_keys_of_type_ecdsa_and_takes_those_that_there_are(node: Node) -> None:
    with pytest.raises(InvalidInputError, match="unrecognized key type"):
        await node.key.gen("made", type="ecdsa")
    key = PrivateKey.generate("ecdsa")
    made = await node.key.import_("made", export_key(key, "libp2p-protobuf-cleartext"))
    assert made == KeyResult("made", str(key.name))


async def test_private_keys_stay_where_they_are(node: Node) -> None:
    with pytest.raises(NotSupportedError, match="ipfs key export"):
        await node.key.export("self", PASSWORD)
