"""What the user may choose about the kernel's node, and which of several sources counts.

Three sources, the later winning: traitlets (``c.IPFSComm.repo = …`` in a configuration file), the environment
(``IPFS_COMM_REPO``), and options given in the session (``%ipfs repo …``, ``%config IPFSComm.repo = …``). Where a
choice cannot be met the error names its source: what was asked for is never silently replaced.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Dict, Enum, Float, Int, TraitError, TraitType, Unicode, validate
from traitlets.config import Configurable

from ipfs_comm.errors import InvalidInputError

if TYPE_CHECKING:
    from ipfs_comm.rpc import Policy
    from ipfs_comm.wire.limits import Limits

__all__ = ["ENVIRONMENT", "TARGET", "Choice", "IPFSComm"]

#: Name of the comm target, by which pages find the kernel's end, and how long that of another may be.
TARGET = "ipfs_comm"
MAX_TARGET = 128

#: Trait name to environment variable.
ENVIRONMENT = {
    "node": "IPFS_COMM_NODE",
    "repo": "IPFS_COMM_REPO",
    "gateways": "IPFS_COMM_GATEWAYS",
    "kubo_api": "IPFS_COMM_KUBO_API",
    "kubo_auth": "IPFS_COMM_KUBO_AUTH",
    "storage_max": "IPFS_COMM_STORAGE_MAX",
}
#: Variables that say something by being empty.
SPEAKS_EMPTY = frozenset({"IPFS_COMM_GATEWAYS"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The value that counts, and where it comes from (empty for a default)."""

    value: Any
    source: str = ""

    def __str__(self) -> str:
        return f"{self.value!r}" + (f" (set by {self.source})" if self.source else "")


def _refused(name: str, text: str) -> str:
    """Return a value that cannot be, for the error that says so; nothing of one that is a secret or holds one."""
    return "" if name in ("kubo_api", "kubo_auth") else f" cannot be {text!r}"


def _policy(given: Any) -> None:
    from ipfs_comm.rpc import Policy

    try:
        Policy.of(given)
    except InvalidInputError as error:
        raise TraitError(str(error)) from error


class _Gateways(TraitType[Any, Any]):
    """A list of gateways, also as one text; None is the list by default."""

    info_text = "a list of addresses such as https://host, or None"

    def validate(self, obj: Any, value: Any) -> tuple[str, ...] | None:
        from ipfs_comm.exchange.addresses import parse

        try:
            return None if value is None else parse(value)
        except InvalidInputError as error:
            raise TraitError(str(error)) from error

    def from_string(self, s: str) -> str:
        return s


class _Secret(str):
    """Text with a secret in it: whoever shows what was chosen shows what it is told as."""

    __slots__ = ("_told",)
    _told: str

    @classmethod
    def of(cls, text: str, told: str) -> _Secret:
        secret = cls(text)
        secret._told = told
        return secret

    def __repr__(self) -> str:
        return repr(self._told)


class _KuboAPI(TraitType[Any, Any]):
    """Where a daemon is; the address may have a password in it, which is not shown."""

    info_text = "an address such as http://127.0.0.1:5001 or /ip4/127.0.0.1/tcp/5001, or none"

    def validate(self, obj: Any, value: Any) -> str:
        if isinstance(value, str) and value.strip().lower() in ("", "none"):
            return ""
        from ipfs_comm.node.kubo.address import Address

        try:
            address, _ = Address.parse(value)
        except InvalidInputError as error:
            raise TraitError(str(error)) from None
        return _Secret.of(value, str(address))

    def from_string(self, s: str) -> str:
        return s


class _KuboAuth(TraitType[Any, Any]):
    """What lets one in there, of which nothing is shown."""

    info_text = "basic:user:password, bearer:token, or none"

    def validate(self, obj: Any, value: Any) -> str:
        if isinstance(value, str) and value.strip().lower() in ("", "none"):
            return ""
        from ipfs_comm.node.kubo.address import Credentials

        try:
            return _Secret.of(value, f"{Credentials.parse(value).scheme}:…")
        except InvalidInputError as error:
            raise TraitError(str(error)) from None

    def from_string(self, s: str) -> str:
        return s


class _Namespaces(TraitType[Any, Any]):
    """Names of namespaces, also as one text with commas or spaces between them; None, or the text all, is every one."""

    info_text = "a list of namespaces such as core,dag,block, or all"

    def validate(self, obj: Any, value: Any) -> tuple[str, ...] | None:
        if isinstance(value, str):
            value = None if value.strip() == "all" else value.replace(",", " ").split()
        if value is None:
            return None
        if not isinstance(value, list | tuple | set | frozenset):
            raise TraitError(f"{value!r} is no list of namespaces")
        _policy({"namespaces": value})
        return tuple(value)

    def from_string(self, s: str) -> str:
        return s


class _Size(TraitType[Any, Any]):
    """A number of bytes, also as text such as 10GB; None where nothing is chosen."""

    info_text = "a number of bytes, text such as '10GB', or None"

    def __init__(self, *, least: int, **arguments: Any) -> None:
        self._least = least
        super().__init__(None, allow_none=True, **arguments)

    def validate(self, obj: Any, value: Any) -> int | None:
        from ipfs_comm.blockstore.room import parse_size

        if isinstance(value, str) and value.strip().lower() in ("", "none", "default"):
            return None
        try:
            return None if value is None else parse_size(value, least=self._least)
        except InvalidInputError as error:
            raise TraitError(str(error)) from error

    def from_string(self, s: str) -> str:
        return s


class IPFSComm(Configurable):
    """Configuration of ``%load_ext ipfs_comm``."""

    node = Enum(
        ["embedded", "kubo", "auto"],
        default_value="auto",
        help="Which node: embedded; kubo, a Kubo daemon; or auto, a daemon where kubo_api names one or this user's own"
        " runs, else the embedded node.",
    ).tag(config=True)
    repo = Unicode(
        "", help='Folder of the repository, ":memory:" to keep nothing, or empty for the user\'s data folder.'
    ).tag(config=True)
    gateways = _Gateways(
        None,
        allow_none=True,
        help="Trustless HTTP gateways that are asked for blocks which the repository does not have, https://host each;"
        " [] (or none) for no gateway, None (or default) for the public ones that the README names.",
    ).tag(config=True)
    offline = Bool(False, help="Ask nobody: a block that the repository does not have is an error at once.").tag(
        config=True
    )
    kubo_api = _KuboAPI(
        "",
        help="Address of a Kubo daemon's RPC API, for example http://127.0.0.1:5001, https://host or"
        " /unix/path/to/socket; empty (or none) for that of this user's own repository, $IPFS_PATH or ~/.ipfs.",
    ).tag(config=True)
    kubo_auth = _KuboAuth(
        "",
        help="What lets one in there, basic:user:password or bearer:token, as API.Authorizations of the daemon's"
        " configuration has it; it is not shown.",
    ).tag(config=True)
    read_only = Bool(False, help="Refuse every call that would write to the repository, which must be there.").tag(
        config=True
    )
    storage_max = _Size(
        least=1,
        help="The most bytes that the repository may take, also as text such as 10GB; None (or none) for no limit.",
    ).tag(config=True)
    storage_reserve = _Size(
        least=0,
        help="Free bytes of the repository's volume that blocks leave alone, also as text such as 1GB; None (or"
        " default) for 256 MiB, or 5 % of a small volume.",
    ).tag(config=True)
    hash_on_read = Bool(
        False, help="Verify blocks by their hash whenever they are read, beside their records' checksum."
    ).tag(config=True)
    shard_split_threshold = Int(
        None,
        allow_none=True,
        min=0,
        help="Bytes beyond which directories are sharded where a call does not say; Kubo's 256 KiB where not given.",
    ).tag(config=True)
    max_links = Int(64, min=1, max=1024, help="Links that pages may have open to this kernel at a time.").tag(
        config=True
    )
    limits = Dict(
        help='Limits of the links that pages open, by name, for example {"expire_after": 60}; docs/protocol.md has all.'
    ).tag(config=True)
    namespaces = _Namespaces(
        None,
        allow_none=True,
        help="Namespaces that pages may call, for example core,dag,block; None (as text: all) for every one.",
    ).tag(config=True)
    admin = Bool(
        False, help="Let pages call what is for who runs the node, such as repo.gc, config.set and key.export."
    ).tag(config=True)
    call_limits = Dict(
        help="Limits of what one port of a page may have under way: max_calls, max_bytes, max_rate; docs/protocol.md."
    ).tag(config=True)
    targets = Dict(
        help="Further comm targets, each with a policy of its own, for example"
        ' {"public": {"read_only": True, "namespaces": ["core", "dag"]}}; pages reach one by connect(kernel, {target}).'
        " It counts from the next %load_ext on.",
    ).tag(config=True)
    max_snapshot = Int(
        8 * 2**20,
        min=0,
        help="Largest HTML, in characters, that a %%ipfs_js cell leaves in the notebook as its stored result.",
    ).tag(config=True)
    page_timeout = Int(5, min=1, max=600, help="Seconds within which a page must take a %%ipfs_js cell.").tag(
        config=True
    )
    switch_interval = Float(
        0.001,
        min=0,
        help="Seconds after which a cell that computes in Python lets the node's threads have a turn, if that is less"
        " than the process has set (sys.setswitchinterval); 0 leaves it as it is.",
    ).tag(config=True)

    def __init__(self, **arguments: Any) -> None:
        self._session: dict[str, str] = {}
        # Every call of a page asks for one: they are made anew when an option is set.
        self._policies: dict[str, Policy] = {}
        self._loading = True
        super().__init__(**arguments)
        self._loading = False
        self.observe(self._chosen, names=list(self.class_traits(config=True)))

    @validate("limits")
    def _check_limits(self, proposal: Any) -> Any:
        from ipfs_comm.wire.limits import Limits

        try:
            Limits.of(proposal["value"])
        except InvalidInputError as error:
            raise TraitError(str(error)) from error
        return proposal["value"]

    @validate("call_limits")
    def _check_call_limits(self, proposal: Any) -> Any:
        limits = proposal["value"]
        if unknown := limits.keys() - {"max_calls", "max_bytes", "max_rate"}:
            raise TraitError(f"call_limits has max_calls, max_bytes and max_rate, and no {', '.join(sorted(unknown))}")
        _policy(limits)
        return limits

    @validate("targets")
    def _check_targets(self, proposal: Any) -> Any:
        for name, policy in proposal["value"].items():
            if not isinstance(name, str) or not 0 < len(name) <= MAX_TARGET or name == TARGET:
                raise TraitError(f"a target is called {name!r}: give a short text other than {TARGET!r}")
            _policy(policy)
        return proposal["value"]

    def policy(self, target: str) -> Policy:
        """Return what the pages that open links to a comm target may ask for.

        Raises
        ------
        InvalidInputError
            If the environment holds something that an option cannot be.
        """
        found = self._policies.get(target)
        if found is None:
            found = self._policies[target] = self._policy_of(target)
        return found

    def _policy_of(self, target: str) -> Policy:
        from ipfs_comm.rpc import Policy

        read_only = bool(self.choice("read_only").value)
        if target != TARGET:
            given = self.targets[target]
            return Policy.of({**given, "read_only": read_only or bool(given.get("read_only"))})
        given = {"namespaces": self.namespaces, "admin": self.admin, **self.call_limits}
        return Policy.of({**given, "read_only": read_only})

    def link_limits(self) -> Limits:
        """Return the limits of links; `max_links` is the trait of that name unless `limits` has it too."""
        from ipfs_comm.wire.limits import Limits

        return Limits.of({"max_links": self.max_links} | self.limits)

    def _chosen(self, change: Any) -> None:
        self._policies.clear()
        self._session[change["name"]] = "this session"

    def choose(self, name: str, text: str) -> None:
        """Set option `name` from the text of a ``%ipfs`` command.

        Raises
        ------
        InvalidInputError
            For an option that does not exist, or a value that it cannot have.
        """
        trait = self.class_traits(config=True).get(name)
        if trait is None:
            raise InvalidInputError(
                f"%ipfs has no option {name!r}; there are {', '.join(sorted(self.class_traits(config=True)))}"
            )
        try:
            setattr(self, name, trait.from_string(text))
        except (TraitError, ValueError) as error:
            raise InvalidInputError(f"%ipfs {name}{_refused(name, text)}: {error}") from error
        self._policies.clear()
        self._session[name] = f"%ipfs {name}"

    def choice(self, name: str) -> Choice:
        """Return the value of `name` that counts, and its source.

        Raises
        ------
        InvalidInputError
            If the environment holds something that the option cannot be.
        """
        if name in self._session:
            return Choice(getattr(self, name), self._session[name])
        variable = ENVIRONMENT.get(name)
        if variable and (os.environ.get(variable) or (variable in SPEAKS_EMPTY and variable in os.environ)):
            text = os.environ[variable]
            try:
                return Choice(getattr(type(self)(**{name: text}), name), variable)
            except TraitError as error:
                raise InvalidInputError(f"{variable}{_refused(name, text)}: {error}") from error
        value = getattr(self, name)
        default = self.class_traits()[name].default_value
        return Choice(value, f"c.IPFSComm.{name}" if value != default else "")

    def sources(self) -> tuple[str, ...]:
        """Return the gateways that the node asks; none where it is offline.

        Raises
        ------
        InvalidInputError
            If the environment holds something that is no list of gateways.
        """
        from ipfs_comm.exchange.addresses import DEFAULT_GATEWAYS

        if self.choice("offline").value:
            return ()
        given = self.choice("gateways").value
        return DEFAULT_GATEWAYS if given is None else tuple(given)

    def kind(self) -> str:
        """Return the kind of node to open, as it was chosen: ``auto`` is for ``open_node`` to find out.

        Raises
        ------
        InvalidInputError
            If the environment holds something that is no kind of node.
        """
        return str(self.choice("node").value)

    def opening(self) -> dict[str, Any]:
        """Return the options of ``open_node``: those that the chosen kind of node has, for all of them are chosen.

        Raises
        ------
        InvalidInputError
            If the environment holds something that an option cannot be.
        """
        kind = self.kind()
        options: dict[str, Any] = {
            "kind": kind,
            "offline": bool(self.choice("offline").value),
            "read_only": bool(self.choice("read_only").value),
            "shard_split_threshold": self.choice("shard_split_threshold").value,
        }
        if kind != "kubo":
            options |= {
                "repo": self.choice("repo").value or None,
                "gateways": self.sources(),
                "storage_max": self.choice("storage_max").value,
                "storage_reserve": self.choice("storage_reserve").value,
                "hash_on_read": self.choice("hash_on_read").value,
            }
        if kind != "embedded":
            # What the environment says is looked at there: an address to be told as the reason, credentials to be
            # told to no daemon whose address has its own. Empty is none.
            for name in ("kubo_api", "kubo_auth"):
                chosen = self.choice(name)
                options[name] = None if chosen.source == ENVIRONMENT[name] and chosen.value else chosen.value
        return options
