"""A real Kubo: the one binary that `make kubo` builds, repositories of its own, and daemons that no network reaches."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import selectors
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "build" / "kubo" / ("ipfs.exe" if os.name == "nt" else "ipfs")
#: Seconds for one command, for a daemon to come up, and for it to go.
LIMIT = 60.0
#: How many times more examples than in the short form.
FACTOR = int(os.environ.get("IPFS_COMM_KUBO_EXAMPLES", "1"))


class KuboError(Exception):
    """A command or call that Kubo refused, with what it said."""


def why_absent() -> str | None:
    """Return why there is no Kubo to test with; None where there is one.

    Raises
    ------
    FileNotFoundError
        In CI, where its absence would hide what these tests are for.
    """
    if BINARY.is_file():
        return None
    if os.environ.get("CI") == "true":
        raise FileNotFoundError(f"no Kubo in {BINARY}: `make kubo` builds it and needs Go")
    return f"no Kubo in {BINARY.relative_to(ROOT)}: `make kubo` builds it where Go is there"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what is sent to be added: a file, a symlink to `target`, or with neither a directory.

    `mode` and `mtime` (seconds, nanoseconds) count where the call preserves them.
    """

    path: str
    content: bytes | None = None
    target: str | None = None
    mode: int | None = None
    mtime: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What Kubo says of one thing that it added."""

    name: str
    cid: str
    size: int


class Repository:
    """A repository of Kubo's, and commands on it that need no daemon.

    Parameters
    ----------
    folder : Path
        Made by this; nobody listens to a network from it.
    settings : mapping
        Members of its configuration by their dotted names.
    profile : str
        What it begins with, after the profile for tests: another datastore.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any] | None = None, *, profile: str = "default-datastore"
    ) -> None:
        self.folder = folder
        self.environment = {
            "IPFS_PATH": str(folder),
            "IPFS_TELEMETRY": "off",
            "HOME": str(folder.parent),
            **{name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ},
        }
        self.run("init", f"--profile=test,{profile}", "--empty-repo")
        local = "/ip4/127.0.0.1/tcp/0"
        self.configure(
            {
                "Addresses.Swarm": [],
                "Addresses.API": local,
                "Addresses.Gateway": local,
                "Gateway.NoFetch": True,
                "AutoConf.Enabled": False,
                "AutoTLS.Enabled": False,
                "Bootstrap": [],
                "DNS.Resolvers": {},
                "Routing.DelegatedRouters": [],
                "Ipns.DelegatedPublishers": [],
                **(settings or {}),
            }
        )

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Set members of the configuration by their dotted names, where no daemon runs.

        They are written at once: every `ipfs config` would be a process.
        """
        path = self.folder / "config"
        config = json.loads(path.read_text("utf-8"))
        for name, value in settings.items():
            *parents, last = name.split(".")
            inner = config
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
        path.write_text(json.dumps(config), "utf-8")

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run one command of `ipfs` on the repository, offline; return what it printed.

        Raises
        ------
        KuboError
            The command failed.
        """
        done = subprocess.run(
            [BINARY, "--offline", *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        if done.returncode:
            raise KuboError(f"ipfs {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout


class Daemon:
    """A running daemon; made by `running`."""

    def __init__(
        self,
        repository: Repository,
        api: str,
        gateway: str,
        client: httpx.Client,
        process: subprocess.Popen[bytes],
    ) -> None:
        self.repository = repository
        self.process = process
        #: Where it serves its RPC, and where it is a gateway: URLs without a slash at the end.
        self.api = api
        self.gateway = gateway
        self._client = client
        #: What it began with, as it shows it to whoever may see it.
        self.settings = b""
        with suppress(KuboError):
            self.settings = self.call("config/show")

    def call(
        self, command: str, *arguments: str, files: Iterable[bytes] | None = None, **options: str | float | bool
    ) -> bytes:
        """Call one command over its RPC; return the body.

        Parameters
        ----------
        command : str
            For example ``"dag/put"``.
        *arguments : str
        files : iterable of bytes, optional
            What the command reads from files.
        **options
            With ``_`` for ``-``.

        Raises
        ------
        KuboError
            The command failed.
        """
        parts = None if files is None else [Part(str(index), file) for index, file in enumerate(files)]
        return self._post(command, [("arg", argument) for argument in arguments], parts, options)

    def add(self, parts: Iterable[Part], **options: str | float | bool) -> list[Added]:
        """Add any number of files and trees, each for itself.

        Parameters
        ----------
        parts : iterable of Part
            A directory before what it holds, all that it holds together.
        **options
            Those of ``ipfs add``, with ``_`` for ``-``.
        """
        body = self._post("add", [], parts, {"pin": False, "progress": False, **options})
        return [
            Added(line["Name"], line["Hash"], int(line["Size"])) for line in map(json.loads, body.splitlines()) if line
        ]

    def _post(
        self,
        command: str,
        query: list[tuple[str, str]],
        parts: Iterable[Part] | None,
        options: Mapping[str, str | float | bool],
    ) -> bytes:
        for name, value in options.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            query.append((name.replace("_", "-"), text))
        headers, body = {}, b""
        if parts is not None:
            boundary = secrets.token_hex(16)
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            body = b"".join((*(_encoded(part, boundary) for part in parts), f"--{boundary}--\r\n".encode()))
        response = self._client.post(f"{self.api}/api/v0/{command}?{urlencode(query)}", content=body, headers=headers)
        # What fails after the answer began is told in a trailer, which no client of Python's reads; the connection
        # then ends before the answer does, or the answer lacks what was asked for.
        if response.status_code != 200:
            raise KuboError(f"{command}: {response.text.strip()}")
        return response.content

    def lines(self, command: str, *arguments: str, **more: Any) -> list[Any]:
        """Return the JSON objects in what `call` returns."""
        return [json.loads(line) for line in self.call(command, *arguments, **more).splitlines() if line]


def _encoded(part: Part, boundary: str) -> bytes:
    """Return one part of a multipart body in the form that Kubo's own client sends."""
    metadata: dict[str, str] = {}
    if part.mode is not None:
        metadata["mode"] = f"0{part.mode:o}"
    if part.mtime is not None:
        metadata["mtime"] = str(part.mtime[0])
        if part.mtime[1]:
            metadata["mtime-nsecs"] = str(part.mtime[1])
    if part.target is not None:
        kind, content = "application/symlink", part.target.encode()
    elif part.content is not None:
        kind, content = "application/octet-stream", part.content
    else:
        kind, content = "application/x-directory", b""
    name = f"file?{urlencode(metadata)}" if metadata else "file"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{quote_plus(part.path)}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


def clean(daemon: Daemon) -> None:
    """Take from a daemon all that tests have left in it: the MFS, pins, keys, services, settings, blocks.

    Records of names that its own key has published stay.
    """
    for entry in json.loads(daemon.call("files/ls", "/"))["Entries"] or []:
        daemon.call("files/rm", f"/{entry['Name']}", recursive=True, force=True)
    if pins := [line["Cid"] for line in daemon.lines("pin/ls", type="recursive", stream=True) if line.get("Cid")]:
        daemon.call("pin/rm", *pins)
    if pins := [line["Cid"] for line in daemon.lines("pin/ls", type="direct", stream=True) if line.get("Cid")]:
        daemon.call("pin/rm", *pins)
    for key in json.loads(daemon.call("key/list"))["Keys"]:
        if key["Name"] != "self":
            daemon.call("key/rm", key["Name"])
    now, before = json.loads(daemon.call("config/show")), json.loads(daemon.settings)
    # Kubo leaves services in the file that were removed, and replaces none where they differ.
    left = now.setdefault("Pinning", {}).pop("RemoteServices", None)
    before.setdefault("Pinning", {}).pop("RemoteServices", None)
    if now != before:
        before["Pinning"]["RemoteServices"] = left
        daemon.call("config/replace", files=[json.dumps(before).encode()])
    for service in json.loads(daemon.call("pin/remote/service/ls"))["RemoteServices"] or []:
        daemon.call("pin/remote/service/rm", service["Service"])
    daemon.call("repo/gc", quiet=True)


def active(daemon: Daemon, command: str) -> bool:
    """Tell whether a daemon works on a command."""
    return any(each["Command"] == command and each["Active"] for each in json.loads(daemon.call("diag/cmds")) or [])


async def until(what: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 (nothing here tells of it)
            await asyncio.sleep(0.02)


@contextmanager
def running(repository: Repository, *options: str, offline: bool = True) -> Iterator[Daemon]:
    """Run a daemon on a repository for the time of a ``with``.

    Parameters
    ----------
    repository : Repository
    *options : str
        Further ones of ``ipfs daemon``.
    offline : bool
        Let it have no peers.
    """
    log = repository.folder / "daemon.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [BINARY, "daemon", *(["--offline"] if offline else []), *options],
            env=repository.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            _wait_until_ready(process, log)
            api = _url((repository.folder / "api").read_text("ascii"))
            gateway = (repository.folder / "gateway").read_text("ascii").strip()
            with httpx.Client(timeout=LIMIT, trust_env=False) as client:
                yield Daemon(repository, api, gateway, client, process)
        finally:
            process.terminate()
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


class Restarted:
    """A daemon on a repository that can be killed and started again.

    Parameters
    ----------
    repository : Repository
    stack : ExitStack
        At whose end it ends.
    """

    def __init__(self, repository: Repository, stack: ExitStack) -> None:
        self.repository = repository
        self._stack = stack
        self.daemon = stack.enter_context(running(repository))

    def kill(self) -> None:
        """Kill the daemon, and wait until it is gone."""
        self.daemon.process.kill()
        self.daemon.process.wait(LIMIT)

    def start(self) -> None:
        """Start it again, at whatever address it then has."""
        # One that was killed leaves its file, which tells of nobody.
        (self.repository.folder / "api").unlink(missing_ok=True)
        self.daemon = self._stack.enter_context(running(self.repository))


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    assert process.stdout is not None
    said = b""
    deadline = time.monotonic() + LIMIT
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"Daemon is ready" not in said:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"Kubo's daemon is not ready after {LIMIT:.0f} s: {said!r}")
            piece = os.read(process.stdout.fileno(), 65_536)
            if not piece:
                raise KuboError(f"Kubo's daemon ended: {log.read_text('utf-8', 'replace')}")
            said += piece


def _url(address: str) -> str:
    """Return the URL of a multiaddress ``/ip4/<address>/tcp/<port>``."""
    _, _, host, _, port = address.strip().split("/")[:5]
    return f"http://{host}:{port}"


@contextmanager
def scratch(factory: Any, settings: Mapping[str, Any] | None = None) -> Iterator[Repository]:
    """Have a fresh repository for the time of a ``with``; `factory` is pytest's ``tmp_path_factory``."""
    folder: Path = factory.mktemp("kubo")
    try:
        yield Repository(folder / "repo", settings)
    finally:
        shutil.rmtree(folder)


@contextmanager
def swarm(factory: Any, count: int = 3) -> Iterator[list[Daemon]]:
    """Run daemons that are connected with each other and with nobody else, for the time of a ``with``.

    A private swarm: its key is made here, and it listens on this machine alone.
    """
    key = f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}\n"
    settings = {
        "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"],
        "Gateway.NoFetch": False,
        "Routing.Type": "dhtserver",
        "Routing.LoopbackAddressesOnLanDHT": True,
        "Pubsub.Enabled": True,
        "Ipns.UsePubsub": True,
    }
    with ExitStack() as stack:
        daemons: list[Daemon] = []
        for _ in range(count):
            repository = stack.enter_context(scratch(factory, settings))
            (repository.folder / "swarm.key").write_text(key, "ascii")
            repository.environment["LIBP2P_FORCE_PNET"] = "1"
            daemon = stack.enter_context(running(repository, offline=False))
            for other in daemons:
                daemon.call("swarm/connect", json.loads(other.call("id"))["Addresses"][0])
            daemons.append(daemon)
        yield daemons
