"""The contract of keys, names and settings that every node must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.ipns import Name

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

ABSENT = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"
PEER = "/ip4/104.236.176.52/tcp/4001/p2p/QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z"


class NamesContract:
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

    async def test_only_what_is_there_is_published_unless_told_otherwise(self, node: Node) -> None:
        with pytest.raises(NotFoundError):
            await node.name.publish(ABSENT)
        assert (await node.name.publish(ABSENT, resolve=False)).value == ABSENT

    async def test_a_setting_is_kept(self, node: Node) -> None:
        await node.config.set("Contract.Fruit", ["banana"])
        assert await node.config.get("Contract.Fruit") == ["banana"]
        with pytest.raises(NotFoundError):
            await node.config.get("Contract.Vegetable")

    async def test_a_peer_to_begin_with_is_added_and_removed(self, node: Node) -> None:
        await node.bootstrap.add(PEER)
        assert PEER in (await node.bootstrap.list()).peers
        assert (await node.bootstrap.rm(PEER)).peers == (PEER,)
        assert PEER not in (await node.bootstrap.list()).peers

    async def test_a_key_travels_encrypted(self, node: Node) -> None:
        made = await node.key.gen("contract-travels")
        exported = await node.key.export("contract-travels", "a password of some length")
        await node.key.rm("contract-travels")
        assert await node.key.import_("contract-back", exported, "a password of some length") == type(made)(
            "contract-back", made.id
        )

    async def test_the_configuration_is_replaced_as_a_whole(self, node: Node) -> None:
        before = await node.config.get_all()
        await node.config.replace({**before, "Contract": {"Fruit": 1}})
        assert (await node.config.get_all())["Contract"] == {"Fruit": 1}
        names = [profile.name for profile in await node.config.profiles.list()]
        told = await node.config.profiles.apply(names[0], dry_run=True)
        assert told.updated is not None

    async def test_peers_to_begin_with_can_be_none_or_the_usual_ones(self, node: Node) -> None:
        usual = (await node.bootstrap.reset()).peers
        assert usual
        assert (await node.bootstrap.clear()).peers == usual
        assert (await node.bootstrap.list()).peers == ()
