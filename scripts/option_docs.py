"""What the options of the methods mean, for the types of the page's client: one line each."""

from __future__ import annotations

from typing import Final

__all__ = ["described"]

#: By the name of the option, or by ``namespace.method.option`` where it means something else there. After ``|`` the
#: texts that are possible, where there are only a few.
OPTIONS: Final = {
    "allowOffline": "Publish although no peer can be told of it.",
    "archive": "As a TAR archive.",
    "background": "Return when the service has queued the pin, not when it is pinned.",
    "blockWriteConcurrency": "Blocks that are written at once.",
    "chunker": "How files are cut: `size-262144`, `rabin-MIN-AVG-MAX` or `buzhash`.",
    "cid": "Only pins of these.",
    "cidBase": "Multibase of CIDs in the answer, such as `base58btc`.",
    "cidVersion": "Version of the CIDs that are made: 0 or 1.",
    "compress": "Compressed by gzip: the archive, or one file.",
    "compressionLevel": "-1 to 9.",
    "count": "How often the peer is asked.",
    "create": "Make the file where there is none.",
    "direction": "Tell who dialled.",
    "dryRun": "Tell what would change, and change nothing.",
    "edges": "Tell each link as `<from> -> <to>`.",
    "endpoint": "URL of the service's API.",
    "fileImportConcurrency": "Files that are taken from the source ahead.",
    "flush": "Make the change durable before the call returns.",
    "block.rm.force": "Say nothing of blocks that are not there.",
    "files.cp.force": "Write over a file that is there.",
    "files.rm.force": "Say nothing of what is not there, and remove what cannot be read.",
    "key.rename.force": "Take the place of a key that has the name.",
    "block.put.format": "Codec of the CID, such as `dag-cbor`.",
    "core.refs.format": "What is told of a link, of `<src>`, `<dst>` and `<linkname>`.",
    "dag.put.format": "Older name of `storeCodec`.",
    "key.export.format": "How it is written. | pem-pkcs8, pem-pkcs8-cleartext, libp2p-key, libp2p-protobuf-cleartext",
    "hamtEstimation": "How the size of a directory is measured before it is sharded. | links, block",
    "files.stat.hash": "For the CID alone.",
    "hashAlg": "Multihash function, such as `sha2-256`.",
    "inline": "Put small blocks into their CIDs.",
    "inlineLimit": "Longest block that is put into its CID, in bytes.",
    "inputCodec": "The node is bytes of this codec, to be decoded first.",
    "interval": "How often it is told, where `poll` is set.",
    "key.sign.key": "Name or ID of the key; the node's own, where not given.",
    "key.verify.key": "Name of a key here, or the ID of any; the node's own, where not given.",
    "name.publish.key": "Name of the key to publish with.",
    "pin.remote.service.add.key": "The service's access token.",
    "latency": "Tell round-trip times.",
    "length": "Bytes, at most.",
    "lifetime": "How long the record is valid.",
    "localResolve": "Stop at the first link.",
    "maxDepth": "How deep to go where `recursive` is set.",
    "metadata": "Kept with the pin.",
    "mhlen": "Bytes of the digest that are kept.",
    "mhtype": "Multihash function, such as `sha2-256`.",
    "mode": "Permissions of what has none of its own.",
    "mtime": "Modification time of what has none of its own.",
    "files.touch.mtime": "The modification time; now, where not given.",
    "pin.add.name": "Name of the pin.",
    "pin.ls.name": "Only pins with this in their name.",
    "pin.remote.add.name": "Name of the pin.",
    "name": "Only pins of this name.",
    "nocache": "Ask anew, although an answer is kept.",
    "numProviders": "How many to find.",
    "offline": "Ask nobody else for what is not here.",
    "offset": "Bytes from the beginning.",
    "onError": "Called with what cannot be told by the handler.",
    "onlyHash": "Tell CIDs, and store nothing.",
    "origins": "Addresses where the service finds the content.",
    "parents": "Make the directories that it will be in.",
    "path": "A path below the CID.",
    "paths": "Only these.",
    "peer": "Of this peer alone.",
    "peerId": "Of this peer.",
    "pin": "Pin what is made.",
    "pinName": "Name of the pins that this makes.",
    "pinRoots": "Pin the roots that the CAR names.",
    "poll": "Tell it again and again.",
    "preload": "Accepted: nothing is preloaded anywhere.",
    "profile": "Defaults of the other options. | kubo, unixfs-v1-2025",
    "proto": "Of this protocol alone.",
    "quiet": "Tell errors only.",
    "rawLeaves": "Leaves of files are raw blocks.",
    "recursive": "Go on into what is inside.",
    "core.resolve.recursive": "Follow names on until what they lead to is immutable.",
    "core.dns.recursive": "Follow names on until what they lead to is immutable.",
    "name.resolve.recursive": "Follow names on until what they lead to is immutable.",
    "pin.add.recursive": "Pin all that is under it too.",
    "pin.rm.recursive": "Unpin all that is under it too.",
    "reduceSingleLeafToSelf": "A file of one block is that block.",
    "replicationMax": "Most peers of an IPFS Cluster that keep it; -1 for all.",
    "replicationMin": "Fewest peers of an IPFS Cluster that keep it; -1 for all.",
    "resolve": "Look the value up before it is published.",
    "sequence": "Number of the record; the next one, where not given.",
    "service": "Name of the pinning service.",
    "shardSplitThreshold": "Bytes beyond which a directory is sharded.",
    "files.stat.size": "For the size alone.",
    "key.gen.size": "Bits of an RSA key.",
    "sizeOnly": "For the sizes alone.",
    "stat": "Ask the services how many pins they have.",
    "stats": "Tell the number of blocks and their bytes at the end.",
    "status": "Only pins in these states.",
    "storeCodec": "Codec to store the node with.",
    "streams": "Tell open streams.",
    "template": "What the node is like. | unixfs-dir",
    "trickle": "DAGs of the trickle layout.",
    "truncate": "Cut off what was there.",
    "ttl": "How long others may keep the record.",
    "key.gen.type": "Kind of the key. | ed25519, rsa, secp256k1, ecdsa",
    "pin.ls.type": "Only pins of this kind. | all, recursive, direct, indirect",
    "unique": "Tell each once.",
    "unpin": "Remove the old pin.",
    "v1compat": "Sign the record for readers of version 1 too.",
    "verbose": "Tell all that is known.",
    "version": "Version of the CID: 0 or 1.",
    "withLocal": "Tell how much of it is here.",
    "wrapWithDirectory": "Put all of it into one directory.",
}


def described(where: str, option: str) -> tuple[str, tuple[str, ...]]:
    """Return what an option means, and the texts that are possible for it; none where any is.

    Parameters
    ----------
    where : str
        ``namespace.method``.
    option : str

    Raises
    ------
    KeyError
        Nobody has said what it means.
    """
    text = OPTIONS.get(f"{where}.{option}") or OPTIONS[option]
    doc, _, texts = text.partition(" | ")
    return doc, tuple(texts.split(", ")) if texts else ()
