"""The contract of keys, names and settings that every node must pass."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import InvalidInputError, InvalidRecordError, NotFoundError, NotSupportedError
from ipfs_comm.ipns import Name, PrivateKey, PublicKey, create
from ipfs_comm.ipns.armor import export_key
from ipfs_comm.node.api import KeyResult, NamePublishResult
from ipfs_comm.testing.differences import Differing

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

ABSENT = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"
PEER = "/ip4/104.236.176.52/tcp/4001/p2p/QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z"


class NamesContract(Differing):
    """Tests of ``key``, ``name``, ``resolve``, ``config`` and ``bootstrap``; a subclass gives the fixture ``node``.

    The node is a fresh one: it has published nothing, and has no key but its own.
    """

    async def test_a_key_lives_from_gen_to_rm(self, node: Node) -> None:
        made = await node.key.gen("contract-a")
        assert made in await node.key.list()
        assert await node.key.info("contract-a") == await node.key.info(made.id) == made
        renamed = await node.key.rename("contract-a", "contract-b")
        assert (renamed.id, renamed.was, renamed.now) == (made.id, "contract-a", "contract-b")
        assert (await node.key.rm("contract-b")).id == made.id
        assert made.id not in [key.id for key in await node.key.list()]

    async def test_self_is_the_node(self, node: Node) -> None:
        own = next(key for key in await node.key.list() if key.name == "self")
        assert Name.parse(own.id) == Name.parse((await node.id()).id)
        with pytest.raises(InvalidInputError):
            await node.key.rm("self")

    async def test_a_name_stands_for_what_was_published_last(self, node: Node) -> None:
        published = ""
        for content in (b"first", b"second"):
            added = await node.add(content)
            published = (await node.name.publish(added.cid)).name
            assert await node.name.resolve(published) == f"/ipfs/{added.cid}"
        assert await node.cat(f"/ipns/{published}") == b"second"

    async def test_a_record_goes_from_one_node_to_another(self, node: Node) -> None:
        key = PrivateKey.generate()
        name = str(key.name)
        gets = "name.get" not in (await node.capabilities()).unsupported
        with pytest.raises(NotFoundError if gets else NotSupportedError):
            await node.name.get(name)
        expires = datetime.now(UTC) + timedelta(hours=1)
        for sequence in (1, 2):
            record = create(key, ABSENT, sequence=sequence, expires=expires, ttl=10**9).encode()
            assert await node.name.put(name, record) == NamePublishResult(name, ABSENT)
        assert await node.name.resolve(name) == ABSENT
        if gets:
            assert await node.name.get(f"/ipns/{name}") == record
        older = create(key, ABSENT, sequence=1, expires=expires + timedelta(1), ttl=10**9).encode()
        if gets:
            with pytest.raises(InvalidInputError, match="sequence"):
                await node.name.put(name, older)
        with pytest.raises(InvalidRecordError):
            await node.name.put(str(PrivateKey.generate().name), record)

    async def test_a_key_signs_and_everybody_verifies(self, node: Node) -> None:
        made = await node.key.gen("contract-signs")
        for key, name in (("contract-signs", made.id), ("self", (await node.id()).id)):
            signature = await node.key.sign(b"data", key=key)
            assert await node.key.verify(b"data", signature, key=key)
            assert await node.key.verify(b"data", signature, key=name)
            assert not await node.key.verify(b"other data", signature, key=key)
        public = PublicKey.of_name(Name.parse(name))
        assert public is not None
        assert public.verify(b"libp2p-key signed message:data", signature)
        with pytest.raises(NotFoundError):
            await node.key.sign(b"data", key="contract-nothing")

    async def test_names_lead_through_names(self, node: Node) -> None:
        key = await node.key.gen("contract-through")
        added = await node.add(b"hello")
        own = (await node.name.publish(added.cid)).name
        await node.name.publish(f"/ipns/{own}", key="contract-through")
        assert await node.resolve(f"/ipns/{key.id}") == f"/ipfs/{added.cid}"
        assert await node.name.resolve(key.id, recursive=False) == f"/ipns/{own}"

    async def test_a_name_without_a_record_is_not_found(self, node: Node) -> None:
        key = await node.key.gen("contract-unpublished")
        with pytest.raises(NotFoundError):
            await node.name.resolve(key.id)
        with pytest.raises(NotFoundError):
            await anext(node.name.resolve(key.id))

    async def test_only_what_is_there_is_published_unless_told_otherwise(self, node: Node) -> None:
        with pytest.raises(NotFoundError):
            await node.name.publish(ABSENT)
        assert (await node.name.publish(ABSENT, resolve=False)).value == ABSENT

    async def test_a_setting_is_kept(self, node: Node) -> None:
        await node.config.set("API.HTTPHeaders.X-Contract", ["banana"])
        assert await node.config.get("API.HTTPHeaders.X-Contract") == ["banana"]
        with pytest.raises(NotFoundError):
            await node.config.get("Contract.Vegetable")

    async def test_keys_of_ones_own_are_set(self, node: Node) -> None:
        with (
            pytest.raises(InvalidInputError)
            if self.differs("config.set of keys of one's own")
            else contextlib.nullcontext()
        ):
            await node.config.set("Contract.Fruit", ["banana"])
            assert await node.config.get("Contract.Fruit") == ["banana"]

    async def test_a_peer_to_begin_with_is_added_and_removed(self, node: Node) -> None:
        await node.bootstrap.add(PEER)
        assert PEER in (await node.bootstrap.list()).peers
        assert (await node.bootstrap.rm(PEER)).peers == (PEER,)
        assert PEER not in (await node.bootstrap.list()).peers

    async def test_a_key_travels_encrypted(self, node: Node) -> None:
        key = PrivateKey.generate()
        password = "a password of some length"
        exported = export_key(key, None, password)
        made = await node.key.import_("contract-there", exported, password)
        assert made == KeyResult("contract-there", str(key.name))
        with self.unless("key.export"):
            again = await node.key.export("contract-there", password)
            await node.key.rm("contract-there")
            assert await node.key.import_("contract-back", again, password) == KeyResult("contract-back", made.id)

    async def test_the_configuration_is_replaced_as_a_whole(self, node: Node) -> None:
        before = await node.config.get_all()
        await node.config.replace({**before, "Peering": {"Peers": None}, "Bootstrap": [PEER]})
        assert (await node.config.get_all())["Bootstrap"] == [PEER]
        assert (await node.bootstrap.list()).peers == (PEER,)
        names = [profile.name for profile in await node.config.profiles.list()]
        told = await node.config.profiles.apply(names[0], dry_run=True)
        assert told.updated is not None

    async def test_peers_to_begin_with_can_be_none_or_the_usual_ones(self, node: Node) -> None:
        with self.unless("bootstrap.reset"):
            usual = (await node.bootstrap.reset()).peers
            assert usual
        if self.differs("bootstrap.reset"):
            usual = (await node.bootstrap.add(PEER)).peers
        assert (await node.bootstrap.clear()).peers == usual
        assert (await node.bootstrap.list()).peers == ()
