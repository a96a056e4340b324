"""What holds for every verb: each has a deadline, and one that reads blocks can be told to ask nobody."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

import pytest

from ipfs_comm.node import api
from ipfs_comm.node.embedded import EmbeddedNode
from ipfs_comm.testing.node import NodeContract
from ipfs_comm.testing.verbs import VERBS

#: Verbs that read no block, or none but those of the repository, whatever they are told, and those about peers.
ASKING_NOBODY = frozenset(
    {
        "add",
        "add_all",
        "bitswap.stat",
        "bitswap.unwant",
        "bitswap.wantlist",
        "bitswap.wantlist_for_peer",
        "block.rm",
        "bootstrap.add",
        "bootstrap.clear",
        "bootstrap.list",
        "bootstrap.reset",
        "bootstrap.rm",
        "capabilities",
        "config.get",
        "config.get_all",
        "config.profiles.apply",
        "config.profiles.list",
        "config.replace",
        "config.set",
        "dag.import_",
        "dht.find_peer",
        "dht.find_provs",
        "dht.get",
        "dht.provide",
        "dht.put",
        "dht.query",
        "id",
        "key.export",
        "key.gen",
        "key.import_",
        "key.info",
        "key.list",
        "key.rename",
        "key.rm",
        "key.sign",
        "key.verify",
        "is_online",
        "name.pubsub.cancel",
        "name.pubsub.state",
        "name.pubsub.subs",
        "object.new",
        "pin.remote.ls",
        "pin.remote.rm",
        "pin.remote.rm_all",
        "pin.remote.service.add",
        "pin.remote.service.ls",
        "pin.remote.service.rm",
        "ping",
        "pubsub.ls",
        "pubsub.peers",
        "pubsub.publish",
        "pubsub.subscribe",
        "pubsub.unsubscribe",
        "refs.local",
        "repo.gc",
        "repo.stat",
        "repo.verify",
        "repo.version",
        "stats.bitswap",
        "stats.bw",
        "stats.repo",
        "stop",
        "swarm.addrs",
        "swarm.connect",
        "swarm.disconnect",
        "swarm.local_addrs",
        "swarm.peers",
        "version",
    }
)
#: Results that a few blocks can make endless, gathered where they are awaited.
EXPANDING = frozenset({"cat", "dag.export", "dag.tree", "files.ls", "files.read", "get", "ls", "refs"})


def parameters(verb: str) -> typing.Mapping[str, inspect.Parameter]:
    return inspect.signature(VERBS[verb]).parameters


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_a_timeout(verb: str) -> None:
    timeout = parameters(verb)["timeout"]
    assert (timeout.kind, timeout.default) == (inspect.Parameter.KEYWORD_ONLY, None)


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - ASKING_NOBODY))
def test_every_verb_that_reads_blocks_can_be_offline(verb: str) -> None:
    offline = parameters(verb)["offline"]
    assert (offline.kind, offline.default) == (inspect.Parameter.KEYWORD_ONLY, False)


def test_no_verb_is_excused_that_can_be_offline() -> None:
    assert {verb for verb in ASKING_NOBODY if "offline" in parameters(verb)} == set()
    assert sorted(ASKING_NOBODY - VERBS.keys()) == []


def test_what_can_expand_without_end_has_a_limit_where_it_is_awaited() -> None:
    assert {verb for verb in VERBS if "max_size" in parameters(verb)} == EXPANDING


def implementation(verb: str) -> Any:
    *namespaces, name = verb.split(".")
    found: Any = EmbeddedNode(*_nothing(), repo="nowhere")
    for namespace in namespaces:
        found = getattr(found, namespace)
    return getattr(found, name)


def _nothing() -> tuple[Any, Any]:
    from ipfs_comm.blockstore import MemoryBlockstore
    from ipfs_comm.exchange import Offline

    return MemoryBlockstore(), Offline("nowhere")


@pytest.mark.parametrize("verb", VERBS)
def test_the_embedded_node_takes_what_is_declared(verb: str) -> None:
    made = inspect.signature(implementation(verb))
    taken = made.parameters
    takes_more = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values())
    for name, declared in parameters(verb).items():
        if name == "self" or declared.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        assert name in taken or takes_more, name
        if name in taken:
            assert taken[name].default == declared.default, name


def test_the_contract_of_a_node_calls_every_verb() -> None:
    source = "".join(inspect.getsource(contract) for contract in NodeContract.__mro__[:-1])
    assert [verb for verb in VERBS if not re.search(rf"node\.{re.escape(verb)}\(", source)] == []


def test_no_test_of_a_contract_hides_another() -> None:
    names = [name for contract in NodeContract.__mro__ for name in vars(contract) if name.startswith("test_")]
    assert sorted(names) == sorted(set(names))


def test_every_result_is_exported() -> None:
    assert sorted(api.__all__) == sorted(set(api.__all__))
    assert [name for name in api.__all__ if not hasattr(api, name)] == []
