"""The node's keys: made, kept where nobody else reads them, and carried to and fro."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING

import pytest

import ipfs_comm
from ipfs_comm.errors import InvalidInputError, NotFoundError, NotSupportedError, RepositoryError
from ipfs_comm.ipns import Name, PrivateKey, PublicKey
from ipfs_comm.node.api import KeyRenameResult

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ipfs_comm.node.api import Node


@pytest.fixture(params=["memory", "folder"])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Node, None]:
    repo = ":memory:" if request.param == "memory" else tmp_path / "repo"
    async with ipfs_comm.open_node(repo=repo, offline=True) as opened:
        yield opened


async def test_the_node_has_a_key_of_its_own(node: Node) -> None:
    (own,) = await node.key.list()
    assert own.name == "self"
    assert Name.parse(own.id) == Name.parse((await node.id()).id)


async def test_id_tells_the_peer_id_and_the_public_key(node: Node) -> None:
    import base64

    found = await node.id()
    assert found.id.startswith("12D3KooW")
    assert PublicKey.decode(base64.b64decode(found.public_key)).name.peer_id == found.id
    assert await node.id(peer_id=found.id) == found
    with pytest.raises(NotSupportedError):
        await node.id(peer_id="QmVujd5Vb7moysJj8itnGufN7MEtPRCNHkKpNuA4onsRa3")


async def test_a_key_is_made_listed_renamed_and_removed(node: Node) -> None:
    made = await node.key.gen("first")
    assert made in await node.key.list()
    assert await node.key.rename("first", "second") == KeyRenameResult(made.id, "first", "second", overwrite=False)
    assert [key.name for key in await node.key.list()] == ["self", "second"]
    assert (await node.key.rm("second")).id == made.id
    assert [key.name for key in await node.key.list()] == ["self"]


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "secp256k1", "ecdsa", "Ed25519"])
async def test_keys_of_every_type_are_made(node: Node, kind: str) -> None:
    made = await node.key.gen("key", type=kind, size=2048)
    assert Name.parse(made.id).path == f"/ipns/{made.id}"
    assert made in await node.key.list()


async def test_a_name_is_given_once(node: Node) -> None:
    await node.key.gen("name")
    other = await node.key.gen("other")
    exported = await node.key.export("other", "password")
    for again in (
        node.key.gen("name"),
        node.key.rename("other", "name"),
        node.key.import_("name", exported, "password"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            await again
        assert refused.value.code == "ERR_KEY_ALREADY_EXISTS"
    replaced = await node.key.rename("other", "name", force=True)
    assert (replaced.id, replaced.overwrite) == (other.id, True)
    assert [key.id for key in await node.key.list() if key.name != "self"] == [other.id]


async def test_many_tasks_make_one_key_of_a_name(node: Node) -> None:
    made = await asyncio.gather(*(node.key.gen("name") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, InvalidInputError) for result in made) == 7
    assert len(await node.key.list()) == 2


async def test_the_node_s_own_key_stays(node: Node) -> None:
    for call in (node.key.gen("self"), node.key.rm("self"), node.key.rename("self", "x")):
        with pytest.raises(InvalidInputError) as refused:
            await call
        assert refused.value.code == "ERR_INVALID_KEY_NAME"


@pytest.mark.parametrize("name", ["", " ", "a/b", "../x", "a\0", "é" * 65, "\ud800" * 2, 7])
async def test_what_cannot_be_a_name_is_refused(node: Node, name: str) -> None:
    with pytest.raises(InvalidInputError):
        await node.key.gen(name)


async def test_a_key_that_is_not_there_is_not_found(node: Node) -> None:
    for call in (node.key.rm("none"), node.key.rename("none", "x"), node.key.export("none", "password")):
        with pytest.raises(NotFoundError, match="none"):
            await call


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
@pytest.mark.parametrize("form", [None, "pem-pkcs8", "libp2p-key", "libp2p-protobuf-cleartext", "pem-pkcs8-cleartext"])
async def test_an_exported_key_comes_back(node: Node, kind: str, form: str | None) -> None:
    made = await node.key.gen("key", type=kind)
    password = None if form and form.endswith("cleartext") else "password"
    exported = await node.key.export("key", password, format=form)
    assert isinstance(exported, bytes) is (form == "libp2p-protobuf-cleartext")
    await node.key.rm("key")
    assert (await node.key.import_("key", exported, password)).id == made.id


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("rsa", "-----BEGIN ENCRYPTED PRIVATE KEY-----"), ("ed25519", "m"), ("secp256k1", "m")],
)
async def test_an_exported_key_is_what_js_libp2p_reads_of_its_kind(node: Node, kind: str, beginning: str) -> None:
    # Its PEM is RSA's alone.
    await node.key.gen("key", type=kind)
    assert str(await node.key.export("key", "password")).startswith(beginning)
    pem = str(await node.key.export("key", "password", format="pem-pkcs8"))
    assert pem.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


async def test_an_exported_key_is_encrypted_unless_a_format_in_clear_is_asked_for(node: Node) -> None:
    exported = await node.key.export("self", "password")
    assert str(exported).startswith("m")
    with pytest.raises(InvalidInputError, match="libp2p-protobuf-cleartext") as refused:
        await node.key.export("self")
    assert refused.value.code == "ERR_PASSWORD_REQUIRED"


async def test_keys_survive_the_process(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.key.gen("ключ")
        before = await node.key.list()
        identity = await node.id()
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        assert await node.id() == identity
        assert await node.key.list() == before


async def test_two_nodes_on_one_repository_have_one_identity(tmp_path: Path) -> None:
    async with (
        ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as one,
        ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as other,
    ):
        first, second = await asyncio.gather(one.id(), other.id())
        assert first == second
        await one.key.gen("shared")
        assert await other.key.list() == await one.key.list()


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
async def test_only_the_owner_reads_keys(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
            await node.id()
            await node.key.gen("key")
    finally:
        os.umask(before)
    folder = tmp_path / "repo" / "keystore"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted((path.name, stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()) == [
        ("key_nnsxs", 0o600),
        ("key_onswyzq", 0o600),
    ]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
async def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.id()
    (tmp_path / "repo" / "keystore" / "key_onswyzq").chmod(0o644)
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        with pytest.raises(RepositoryError, match="chmod 600"):
            await node.id()


async def test_a_damaged_key_is_told_of_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "repo" / "keystore" / "key_onswyzq"
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.id()
    path.write_bytes(path.read_bytes()[:-1])
    damaged = path.read_bytes()
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        with pytest.raises(RepositoryError, match="damaged"):
            await node.id()
    assert path.read_bytes() == damaged


async def test_what_a_process_left_that_died_while_writing_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "repo" / "keystore"
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.id()
        (folder / ".0123.tmp").write_bytes(b"half a secret")
        assert [key.name for key in await node.key.list()] == ["self"]
        await node.key.gen("key")
    assert sorted(path.name for path in folder.iterdir()) == ["key_nnsxs", "key_onswyzq"]


async def test_kubo_s_key_files_are_used_as_they_are(tmp_path: Path) -> None:
    key = PrivateKey.generate("rsa")
    folder = tmp_path / "repo" / "keystore"
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.id()
        (folder / "README").write_text("no key")
        descriptor = os.open(folder / "key_nnsxs", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.encode())
        assert [(found.name, found.id) for found in await node.key.list()][1:] == [("key", str(key.name))]
