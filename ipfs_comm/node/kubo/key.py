"""``key``: the daemon's keys, which are what names are made of."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, InvalidNameError, NotFoundError, NotSupportedError
from ipfs_comm.ipld import multibase
from ipfs_comm.ipns import Name
from ipfs_comm.ipns.armor import import_key
from ipfs_comm.node.api import KeyRenameResult, KeyResult
from ipfs_comm.node.checks import checked_bytes
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.secret_names import SELF, check_key_name
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context


class Key:
    """The keys of a daemon. They stay where they are: Kubo gives no private key to anybody over its RPC.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def gen(
        self, name: str, *, type: str = "ed25519", size: int = 2048, timeout: float | None = None
    ) -> KeyResult:
        """Make a key of ``type`` ed25519, rsa (of ``size`` bits) or secp256k1; Kubo makes none of type ecdsa."""
        check_key_name(name, changing=True)
        self._context.writing("key.gen")
        async with deadline(timeout, f"key.gen of {shown(name)}"):
            bits = size if type == "rsa" else None
            return _key(Said("key/gen", await self._context.rpc.call("key/gen", name, type=type, size=bits)))

    async def list(self, *, timeout: float | None = None) -> builtins.list[KeyResult]:
        """Return all keys, ``self`` first, the others in the order of their names."""
        async with deadline(timeout, "key.list"):
            return await self._all()

    async def _all(self) -> builtins.list[KeyResult]:
        said = Said("key/list", await self._context.rpc.call("key/ls"))
        return sorted(map(_key, said.each("Keys")), key=lambda key: (key.name != SELF, key.name))

    async def info(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Return one key, by its name or its ID."""
        async with deadline(timeout, f"key.info of {shown(name)}"):
            keys = await self._all()
        found = next((key for key in keys if key.name == name), None)
        if found is None and (wanted := _parsed(name)) is not None:
            found = next((key for key in keys if _parsed(key.id) == wanted), None)
        if found is None:
            raise NotFoundError(
                f"there is no key named {shown(name)}: make one with key.gen, or see key.list for those that are there",
                detail={"key": name},
            )
        return found

    async def rm(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Forget a key for good."""
        check_key_name(name, changing=True)
        self._context.writing("key.rm")
        async with deadline(timeout, f"key.rm of {shown(name)}"):
            said = Said("key/rm", await self._context.rpc.call("key/rm", name))
        for key in said.each("Keys"):
            return _key(key)
        raise NotFoundError(f"there is no key named {shown(name)}", detail={"key": name})

    async def rename(
        self, old_name: str, new_name: str, *, force: bool = False, timeout: float | None = None
    ) -> KeyRenameResult:
        """Give a key another name; with ``force`` even that of another key, which is lost then."""
        check_key_name(old_name, changing=True)
        check_key_name(new_name, changing=True)
        self._context.writing("key.rename")
        async with deadline(timeout, f"key.rename of {shown(old_name)}"):
            said = await self._context.rpc.call("key/rename", old_name, new_name, force=force or None)
        told = Said("key/rename", said)
        return KeyRenameResult(
            id=str(Name.parse(told.text("Id"))),
            was=told.text("Was"),
            now=told.text("Now"),
            overwrite=told.flag("Overwrite"),
        )

    async def export(
        self, name: str, password: str | None = None, *, format: str | None = None, timeout: float | None = None
    ) -> str | bytes:
        """Refuse: ``ipfs key export`` does it beside the repository."""
        raise NotSupportedError(
            "key.export: a Kubo daemon gives no private key to anybody over its RPC: call `ipfs key export` where its "
            "repository is, or use a node of kind='embedded'",
            detail={"verb": "key.export", "kind": "embedded"},
        )

    async def import_(
        self, name: str, data: str | bytes, password: str | None = None, *, timeout: float | None = None
    ) -> KeyResult:
        """Add a key that was exported by the embedded node, by js-ipfs or by Kubo, in whichever format.

        It is decrypted here, and goes to the daemon in clear, as Kubo takes it.
        """
        check_key_name(name, changing=True)
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise InvalidInputError(f"a key to import is a str or bytes, not a {builtins.type(data).__name__}")
        given = data if isinstance(data, str) else bytes(data)
        self._context.writing("key.import_")
        async with deadline(timeout, f"key.import_ of {shown(name)}"):
            key = await self._context.blocks.pool.run(import_key, given, password)
            said = await self._context.rpc.call("key/import", name, body=Body.of(key.encode()), allow_any_key_type=True)
        return _key(Said("key/import", said))

    async def sign(self, data: bytes, *, key: str = "self", timeout: float | None = None) -> bytes:
        """Return the signature of ``libp2p-key signed message:`` and data, by a key of this name or ID."""
        content = checked_bytes(data, "what is signed")
        async with deadline(timeout, f"key.sign by {shown(key)}"):
            return Said("key/sign", await self._context.rpc.call("key/sign", body=Body.of(content), key=key)).bytes(
                "Signature"
            )

    async def verify(self, data: bytes, signature: bytes, *, key: str = "self", timeout: float | None = None) -> bool:
        """Return whether `sign` made a signature, by a key of this name or ID, which can be anybody's."""
        content, sealed = checked_bytes(data, "what is signed"), checked_bytes(signature, "a signature")
        async with deadline(timeout, f"key.verify of {shown(key)}"):
            said = await self._context.rpc.call(
                "key/verify", body=Body.of(content), key=key, signature=multibase.encode(sealed, "base64url")
            )
        return Said("key/verify", said).flag("SignatureValid")


def _key(said: Said) -> KeyResult:
    return KeyResult(name=said.text("Name"), id=str(Name.parse(said.text("Id"))))


def _parsed(text: str) -> Name | None:
    try:
        return Name.parse(text)
    except InvalidNameError:
        return None
