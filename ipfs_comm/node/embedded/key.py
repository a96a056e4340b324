"""``key``: gen, list, info, rm, rename, export, import, over the repository's keystore."""

from __future__ import annotations

import builtins
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, InvalidNameError, NotFoundError
from ipfs_comm.ipns import Name, PrivateKey, PublicKey
from ipfs_comm.ipns.armor import export_key, import_key
from ipfs_comm.node.api import KeyRenameResult, KeyResult
from ipfs_comm.node.checks import checked_bytes
from ipfs_comm.node.secret_names import check_key_name
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.embedded.context import Context

#: What goes before data that is signed.
_PREFIX: Final = b"libp2p-key signed message:"


class Key:
    """The keys of the embedded node."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def gen(
        self, name: str, *, type: str = "ed25519", size: int = 2048, timeout: float | None = None
    ) -> KeyResult:
        """Make a key.

        Parameters
        ----------
        name : str
            A new name, at most 128 bytes.
        type : str
            ed25519, rsa, secp256k1 or ecdsa; records by the last two are not read everywhere.
        size : int
            Bits of an RSA key, 2048 to 8192.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            The name is taken or cannot be one, or there is no such type or size.
        """
        check_key_name(name, changing=True)
        async with deadline(timeout, f"key.gen of {shown(name)}"):
            key = await self._context.pool.run(lambda: PrivateKey.generate(type, size=size))
            await self._context.keys.add(name, key)
        return _result(name, key)

    async def list(self, *, timeout: float | None = None) -> builtins.list[KeyResult]:
        """Return all keys, ``self`` first, the others in the order of their names."""
        async with deadline(timeout, "key.list"):
            return [_result(name, key) for name, key in await self._context.keys.items()]

    async def info(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Return one key.

        Parameters
        ----------
        name : str
            Its name, or else its ID in any spelling.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NotFoundError
            There is no such key.
        """
        async with deadline(timeout, f"key.info of {shown(name)}"):
            wanted = await self._context.keys.find(name)
            for one, key in await self._context.keys.items():
                if key.name == wanted.name:
                    return _result(one, key)
        raise NotFoundError(f"the key {shown(name)} was removed meanwhile", detail={"name": name})

    async def rm(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Forget a key for good.

        Raises
        ------
        InvalidInputError
            It is the node's own.
        NotFoundError
            There is no such key.
        """
        async with deadline(timeout, f"key.rm of {shown(name)}"):
            return _result(name, await self._context.keys.remove(name))

    async def rename(
        self, old_name: str, new_name: str, *, force: bool = False, timeout: float | None = None
    ) -> KeyRenameResult:
        """Give a key another name.

        Parameters
        ----------
        old_name, new_name : str
        force : bool
            Take the place of another key of the new name, which is lost then.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            The new name is taken, or one of them is the node's own.
        NotFoundError
            There is no such key.
        """
        async with deadline(timeout, f"key.rename of {shown(old_name)}"):
            key, overwrite = await self._context.keys.rename(old_name, new_name, force=force)
        return KeyRenameResult(id=str(key.name), was=old_name, now=new_name, overwrite=overwrite)

    async def export(
        self, name: str, password: str | None = None, *, format: str | None = None, timeout: float | None = None
    ) -> str | bytes:
        """Return a private key for keeping elsewhere.

        Parameters
        ----------
        name : str
        password : str, optional
            Encrypts it; needed but for formats in clear.
        format : str, optional
            As js-ipfs where not given: for RSA ``pem-pkcs8``, which is PKCS #8 in PEM, encrypted; for Ed25519 and
            secp256k1 ``libp2p-key``, the sealed text of js-libp2p, which reads no PEM of these. In clear, as Kubo
            writes them: ``libp2p-protobuf-cleartext`` (bytes; Kubo's default) and ``pem-pkcs8-cleartext``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            There is no such format, or the password is missing or of no use.
        NotFoundError
            There is no such key.
        """
        async with deadline(timeout, f"key.export of {shown(name)}"):
            key = await self._context.keys.get(name)
            return await self._context.pool.run(export_key, key, format, password)

    async def import_(
        self, name: str, data: str | bytes, password: str | None = None, *, timeout: float | None = None
    ) -> KeyResult:
        """Add a key that was exported here, by js-ipfs or by Kubo, in whichever format.

        Parameters
        ----------
        name : str
            A new name.
        data : str or bytes
        password : str, optional
            What it was encrypted with.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            It is no key, the password is missing or wrong, or the name is taken.
        """
        check_key_name(name, changing=True)
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise InvalidInputError(f"a key to import is a str or bytes, not a {builtins.type(data).__name__}")
        given = data if isinstance(data, str) else bytes(data)
        async with deadline(timeout, f"key.import_ of {shown(name)}"):
            key = await self._context.pool.run(import_key, given, password)
            await self._context.keys.add(name, key)
        return _result(name, key)

    async def sign(self, data: bytes, *, key: str = "self", timeout: float | None = None) -> bytes:
        """Return the signature of data.

        Parameters
        ----------
        data : bytes
            What is signed has ``libp2p-key signed message:`` before it, as in Kubo: no record of a name can be made so.
        key : str
            Name or ID of a key here.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NotFoundError
            There is no such key.
        """
        message = signed_message(data)
        async with deadline(timeout, f"key.sign by {shown(key)}"):
            private = await self._context.keys.find(key)
            return await self._context.pool.run(private.sign, message)

    async def verify(self, data: bytes, signature: bytes, *, key: str = "self", timeout: float | None = None) -> bool:
        """Return whether `sign` made a signature, here or elsewhere.

        Parameters
        ----------
        data, signature : bytes
        key : str
            Name or ID of a key here, or the ID of any other that holds its public key, as those of Ed25519 do.
        timeout : float, optional
            Seconds.

        Raises
        ------
        NotFoundError
            There is no such key here, and its ID does not hold it.
        """
        message = signed_message(data)
        sealed = checked_bytes(signature, "a signature")
        async with deadline(timeout, f"key.verify of {shown(key)}"):
            public = await self._public(key)
            return await self._context.pool.run(public.verify, message, sealed)

    async def _public(self, key: str) -> PublicKey:
        try:
            return (await self._context.keys.find(key)).public
        except NotFoundError:
            with suppress(InvalidNameError):
                if (found := PublicKey.of_name(Name.parse(key))) is not None:
                    return found
            raise


def signed_message(data: object) -> bytes:
    """Return what is signed for data."""
    return _PREFIX + checked_bytes(data, "what is signed")


def _result(name: str, key: PrivateKey) -> KeyResult:
    return KeyResult(name=name, id=str(key.name))
