"""The table of methods beside the node's API: every verb, parameter and option is in both, or is named here."""

from __future__ import annotations

import inspect

import pytest

from ipfs_comm.rpc.kinds import camel
from ipfs_comm.rpc.method import Method, snake, verb_of
from ipfs_comm.rpc.services import NAMESPACES
from ipfs_comm.testing.verbs import VERBS

METHODS = {f"{space}.{name}": method for space, methods in NAMESPACES.items() for name, method in methods.items()}

#: What a client does by itself, or what has no meaning at the other end of a port.
NOT_SENT = {
    "timeout": "every method has it",
    "max_size": "how much the caller gathers",
    "progress": "a callback, in a member of its own",
    "hidden": "of trees on a disk, and no value of the wire is a path of the node's machine",
    "preserve_mode": "as hidden",
    "preserve_mtime": "as hidden",
    "dereference_args": "as hidden",
    "to": "a path of the caller's machine",
    "symlinks": "of what is written to the caller's disk",
    "more": "further options of an implementation",
    "options": "as for add_all",
}


def named(path: str) -> tuple[str, str]:
    namespace, _, name = path.rpartition(".")
    return namespace or "core", camel(name)


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_of_the_node_can_be_called(path: str) -> None:
    namespace, name = named(path)
    assert name in NAMESPACES[namespace]


@pytest.mark.parametrize("where", METHODS)
def test_every_method_is_a_verb_of_the_node_with_the_same_parameters_and_options(where: str) -> None:
    method: Method = METHODS[where]
    namespace, _, name = where.rpartition(".")
    verb = VERBS["add_all" if where == "core.add" else method.verb or verb_of(namespace, name)]
    parameters = list(inspect.signature(verb).parameters.values())[1:]
    keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert {snake(option) for option in method.options} == keywords - NOT_SENT.keys()
    assert all(camel(snake(option)) == option for option in method.options)
    assert method.progress == ("progress" in keywords)
    if positional:
        assert [p.default is p.empty for p in positional] == [p.required for p in method.parameters]


def test_nothing_is_left_out_for_a_reason_that_is_gone() -> None:
    names = {name for verb in VERBS.values() for name in inspect.signature(verb).parameters}
    assert names >= NOT_SENT.keys()
