/** The API that a client has, as types. Made by scripts/page_client.py from the table of methods in ipfs_comm/rpc/services: changes belong there. */

import type { CID, CIDInput } from '../rpc/cid.js';
import type { AddAllInput, AddInput, CarInput, Content, ItemSource, ModeInput, MtimeInput } from '../rpc/input.js';
import type { MultiaddrInput, PBLinkInput, PBNodeInput, PeerIdInput, PinSource } from '../rpc/kinds.js';
import type { Multiaddr } from '../rpc/multiaddr.js';
import type { PeerId } from '../rpc/peer-id.js';
import type { ByteStream, ItemStream } from './stream.js';
import type { CallOptions, Mtime } from './types.js';

/** One file or directory that was added; `size` is that of its whole DAG, in bytes. */
export interface AddResult {
  readonly path: string;
  readonly cid: CID;
  readonly size: number;
  readonly mode?: number | undefined;
  readonly mtime?: Mtime | undefined;
}

/** What came from others and went to them: bytes since the node was opened, and bytes a second now. */
export interface BandwidthStat {
  readonly totalIn: bigint;
  readonly totalOut: bigint;
  readonly rateIn: number;
  readonly rateOut: number;
}

/** Blocks that are wanted, those asked for them, and what was exchanged since the node was opened, in bytes. */
export interface BitswapStat {
  readonly provideBufLen: number;
  readonly wantlist: CID[];
  readonly peers: PeerId[];
  readonly blocksReceived: bigint;
  readonly dataReceived: bigint;
  readonly blocksSent: bigint;
  readonly dataSent: bigint;
  readonly dupBlksReceived: bigint;
  readonly dupDataReceived: bigint;
}

/** One block that was to be removed; `error` says why it was not. */
export interface BlockRemoval {
  readonly cid: CID;
  readonly error?: Error | undefined;
}

/** The size of one block, in bytes. */
export interface BlockStat {
  readonly cid: CID;
  readonly size: number;
}

/** The peers that were added, removed or listed, as multiaddresses. */
export interface BootstrapResult {
  readonly Peers: Multiaddr[];
}

/** What may be called here, what of that this node cannot do, and how much at a time. */
export interface Capabilities {
  readonly kind: string;
  readonly version: string;
  readonly repoVersion: string;
  readonly readOnly: boolean;
  readonly methods: string[];
  readonly unsupported: string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly protocol?: number | undefined;
}

/** A set of settings under one name. */
export interface ConfigProfile {
  readonly name: string;
  readonly description: string;
}

/** The whole configuration before a profile, and after it. */
export interface ConfigProfileResult {
  readonly original: unknown;
  readonly updated: unknown;
}

/** A value of the IPLD data model, and what of the path lies beyond it. */
export interface DagGetResult {
  readonly remainderPath: string;
  readonly value: unknown;
}

/** One thing that an import tells: a root that was pinned (or not), or the statistics. */
export interface DagImportResult {
  readonly root?: DagImportRoot | undefined;
  readonly stats?: DagImportStats | undefined;
}

/** A root that was to be pinned; `pinErrorMsg` says why it was not. */
export interface DagImportRoot {
  readonly cid: CID;
  readonly pinErrorMsg: string;
}

/** How many blocks were imported, and how many bytes they have together. */
export interface DagImportStats {
  readonly blockCount: number;
  readonly blockBytesCount: number;
}

/** The last block on a path, and what of the path lies inside it. */
export interface DagResolveResult {
  readonly cid: CID;
  readonly remainderPath: string;
}

/** One DAG: bytes and number of its blocks, each counted once. */
export interface DagStat {
  readonly cid: CID;
  readonly size: number;
  readonly numBlocks: number;
}

/** Several DAGs. */
export interface DagStatResult {
  readonly uniqueBlocks: number;
  readonly totalSize: number;
  readonly sharedSize: number;
  readonly ratio: number;
  readonly dagStats: DagStat[];
}

/** One entry of a directory of the MFS, or the file itself; `size` is that of its content, in bytes. */
export interface FileEntry {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly cid: CID;
  readonly mode?: number | undefined;
  readonly mtime?: Mtime | undefined;
}

/** A file or directory of the MFS or of a DAG; sizes in bytes, `blocks` as js-ipfs counts them. */
export interface FileStat {
  readonly cid: CID;
  readonly type: string;
  readonly size: number;
  readonly cumulativeSize: number;
  readonly blocks: number;
  readonly local?: boolean | undefined;
  readonly sizeLocal?: number | undefined;
  readonly withLocality: boolean;
  readonly mode?: number | undefined;
  readonly mtime?: Mtime | undefined;
}

/** One block that garbage collection removed, by its multihash: version 1, codec raw. */
export interface GCResult {
  readonly cid: CID;
  readonly err?: Error | undefined;
}

/** Who this node is; `ephemeral` where that ends with the process, for nothing may be written. */
export interface IDResult {
  readonly id: PeerId;
  readonly publicKey: string;
  readonly addresses: Multiaddr[];
  readonly agentVersion: string;
  readonly protocolVersion: string;
  readonly protocols: string[];
  readonly ephemeral: boolean;
}

/** A key that has another name now; `overwrite` tells whether it took the place of another. */
export interface KeyRenameResult {
  readonly id: string;
  readonly was: string;
  readonly now: string;
  readonly overwrite: boolean;
}

/** A key: its name here, and its ID, which is the IPNS name that it decides upon (`k51…`). */
export interface KeyResult {
  readonly id: string;
  readonly name: string;
}

/** One entry of a directory, or the file itself; `size` is that of the file, in bytes. */
export interface LsEntry {
  readonly cid: CID;
  readonly type: string;
  readonly name: string;
  readonly path: string;
  readonly mode?: number | undefined;
  readonly mtime?: Mtime | undefined;
  readonly size: number;
}

/** A name (`k51…`) and the path that it stands for now. */
export interface NamePublishResult {
  readonly name: string;
  readonly value: string;
}

/** Whether there was something to end. */
export interface NamePubsubCancelResult {
  readonly canceled: boolean;
}

/** Whether names are also published and followed by pubsub. */
export interface NamePubsubState {
  readonly enabled: boolean;
}

/** Sizes of a dag-pb node, in bytes. */
export interface ObjectStat {
  readonly Hash: CID;
  readonly NumLinks: number;
  readonly BlockSize: number;
  readonly LinksSize: number;
  readonly DataSize: number;
  readonly CumulativeSize: number;
}

/** One link of a node. */
export interface PBLink {
  readonly Hash: CID;
  readonly Name?: string | undefined;
  readonly Tsize?: number | undefined;
}

/** A dag-pb node. */
export interface PBNode {
  readonly Links: PBLink[];
  readonly Data?: Uint8Array | undefined;
}

/** A peer that the node knows of, and where it may be reached. */
export interface PeerAddresses {
  readonly id: PeerId;
  readonly addrs: Multiaddr[];
}

/** A peer, and where it may be reached. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly multiaddrs: Multiaddr[];
}

/** One block that is kept. */
export interface PinEntry {
  readonly cid: CID;
  readonly type: string;
  readonly metadata?: unknown;
  readonly name?: string | undefined;
}

/** One answer of a peer, after `time` milliseconds; or a text that tells of it. */
export interface PingResult {
  readonly success: boolean;
  readonly time: number;
  readonly text: string;
}

/** One message; `from` is the peer that published it, `sequenceNumber` the number that it gave it. */
export interface PubsubMessage {
  readonly topic: string;
  readonly data: Uint8Array;
  readonly from: PeerId;
  readonly sequenceNumber?: bigint | undefined;
  readonly type: string;
}

/** One reference, as text; `err` says why it could not be followed. */
export interface RefEntry {
  readonly ref: string;
  readonly err: string;
}

/** One pin at a service; `status` is `queued`, `pinning`, `pinned` or `failed`. */
export interface RemotePin {
  readonly status: string;
  readonly cid: CID;
  readonly name: string;
}

/** How many pins a service has of each status. */
export interface RemotePinCount {
  readonly queued: number;
  readonly pinning: number;
  readonly pinned: number;
  readonly failed: number;
}

/** A service that is known here; its key is told to nobody. `stat` where it was asked for. */
export interface RemotePinService {
  readonly service: string;
  readonly endpoint: URL;
  readonly stat?: RemotePinStat | undefined;
}

/** Whether a service answers (`valid` or `invalid`), and if so how many pins it has. */
export interface RemotePinStat {
  readonly status: string;
  readonly pinCount?: RemotePinCount | undefined;
}

/** The size of a repository; sizes in bytes. Where it has no limit `storageMax` is `NO_LIMIT`. */
export interface RepoStat {
  readonly numObjects: bigint;
  readonly repoSize: bigint;
  readonly repoPath: string;
  readonly version: string;
  readonly storageMax: bigint;
}

/** One step of a search: whom it concerns, and the peers, providers or value that it brought. */
export interface RoutingEvent {
  readonly type: number;
  readonly name: string;
  readonly from?: PeerId | undefined;
  readonly peer?: PeerInfo | undefined;
  readonly closer: PeerInfo[];
  readonly providers: PeerInfo[];
  readonly value?: Uint8Array | undefined;
  readonly error?: string | undefined;
}

/** A peer that the node is connected with, by the address that the connection has; the rest if it was asked for. */
export interface SwarmPeer {
  readonly addr: Multiaddr;
  readonly peer: PeerId;
  readonly latency?: string | undefined;
  readonly muxer?: string | undefined;
  readonly streams?: string[] | undefined;
  readonly direction?: string | undefined;
}

/** One block that is not what its CID says, or cannot be read; `error` says why. */
export interface VerifyResult {
  readonly cid: CID;
  readonly error: Error;
}

/** Versions of the node, of its repository's format, and of the API that it has. */
export interface VersionResult {
  readonly version: string;
  readonly repo: string;
  readonly commit: string;
  readonly 'interface-ipfs-core': string;
}

export interface AddOptions extends CallOptions {
  /** Blocks that are written at once. Default: `10`. */
  readonly blockWriteConcurrency?: number | undefined;
  /** How files are cut: `size-262144`, `rabin-MIN-AVG-MAX` or `buzhash`. Default: `'size-262144'`. */
  readonly chunker?: string | undefined;
  /** Version of the CIDs that are made: 0 or 1. Default: `0`. */
  readonly cidVersion?: number | undefined;
  /** Files that are taken from the source ahead. Default: `50`. */
  readonly fileImportConcurrency?: number | undefined;
  /** How the size of a directory is measured before it is sharded. */
  readonly hamtEstimation?: 'links' | 'block' | undefined;
  /** Multihash function, such as `sha2-256`. Default: `'sha2-256'`. */
  readonly hashAlg?: string | undefined;
  /** Put small blocks into their CIDs. */
  readonly inline?: boolean | undefined;
  /** Longest block that is put into its CID, in bytes. */
  readonly inlineLimit?: number | undefined;
  /** Permissions of what has none of its own. */
  readonly mode?: ModeInput | undefined;
  /** Modification time of what has none of its own. */
  readonly mtime?: MtimeInput | undefined;
  /** Tell CIDs, and store nothing. */
  readonly onlyHash?: boolean | undefined;
  /** Pin what is made. Default: `true`. */
  readonly pin?: boolean | undefined;
  /** Name of the pins that this makes. */
  readonly pinName?: string | undefined;
  /** Accepted: nothing is preloaded anywhere. Default: `true`. */
  readonly preload?: boolean | undefined;
  /** Defaults of the other options. Default: `'kubo'`. */
  readonly profile?: 'kubo' | 'unixfs-v1-2025' | undefined;
  /** Leaves of files are raw blocks. */
  readonly rawLeaves?: boolean | undefined;
  /** Most peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMax?: number | undefined;
  /** Fewest peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMin?: number | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
  /** DAGs of the trickle layout. */
  readonly trickle?: boolean | undefined;
  /** Put all of it into one directory. */
  readonly wrapWithDirectory?: boolean | undefined;
  /** Told how far it has come. */
  readonly progress?: ((done: number, path?: string) => void) | undefined;
}

export interface AddAllOptions extends CallOptions {
  /** Blocks that are written at once. Default: `10`. */
  readonly blockWriteConcurrency?: number | undefined;
  /** How files are cut: `size-262144`, `rabin-MIN-AVG-MAX` or `buzhash`. Default: `'size-262144'`. */
  readonly chunker?: string | undefined;
  /** Version of the CIDs that are made: 0 or 1. Default: `0`. */
  readonly cidVersion?: number | undefined;
  /** Files that are taken from the source ahead. Default: `50`. */
  readonly fileImportConcurrency?: number | undefined;
  /** How the size of a directory is measured before it is sharded. */
  readonly hamtEstimation?: 'links' | 'block' | undefined;
  /** Multihash function, such as `sha2-256`. Default: `'sha2-256'`. */
  readonly hashAlg?: string | undefined;
  /** Put small blocks into their CIDs. */
  readonly inline?: boolean | undefined;
  /** Longest block that is put into its CID, in bytes. */
  readonly inlineLimit?: number | undefined;
  /** Permissions of what has none of its own. */
  readonly mode?: ModeInput | undefined;
  /** Modification time of what has none of its own. */
  readonly mtime?: MtimeInput | undefined;
  /** Tell CIDs, and store nothing. */
  readonly onlyHash?: boolean | undefined;
  /** Pin what is made. Default: `true`. */
  readonly pin?: boolean | undefined;
  /** Name of the pins that this makes. */
  readonly pinName?: string | undefined;
  /** Accepted: nothing is preloaded anywhere. Default: `true`. */
  readonly preload?: boolean | undefined;
  /** Defaults of the other options. Default: `'kubo'`. */
  readonly profile?: 'kubo' | 'unixfs-v1-2025' | undefined;
  /** Leaves of files are raw blocks. */
  readonly rawLeaves?: boolean | undefined;
  /** Most peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMax?: number | undefined;
  /** Fewest peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMin?: number | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
  /** DAGs of the trickle layout. */
  readonly trickle?: boolean | undefined;
  /** Put all of it into one directory. */
  readonly wrapWithDirectory?: boolean | undefined;
  /** Told how far it has come. */
  readonly progress?: ((done: number, path?: string) => void) | undefined;
}

export interface CatOptions extends CallOptions {
  /** Bytes, at most. */
  readonly length?: number | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Bytes from the beginning. Default: `0`. */
  readonly offset?: number | undefined;
}

export interface GetOptions extends CallOptions {
  /** As a TAR archive. */
  readonly archive?: boolean | undefined;
  /** Compressed by gzip: the archive, or one file. */
  readonly compress?: boolean | undefined;
  /** -1 to 9. */
  readonly compressionLevel?: number | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface LsOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
}

export interface RefsOptions extends CallOptions {
  /** Tell each link as `<from> -> <to>`. */
  readonly edges?: boolean | undefined;
  /** What is told of a link, of `<src>`, `<dst>` and `<linkname>`. */
  readonly format?: string | undefined;
  /** How deep to go where `recursive` is set. */
  readonly maxDepth?: number | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
  /** Tell each once. */
  readonly unique?: boolean | undefined;
}

export interface ResolveOptions extends CallOptions {
  /** Multibase of CIDs in the answer, such as `base58btc`. */
  readonly cidBase?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Follow names on until what they lead to is immutable. Default: `true`. */
  readonly recursive?: boolean | undefined;
}

export interface IdOptions extends CallOptions {
  /** Of this peer. */
  readonly peerId?: PeerIdInput | undefined;
}

export interface DnsOptions extends CallOptions {
  /** Ask anew, although an answer is kept. */
  readonly nocache?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Follow names on until what they lead to is immutable. Default: `true`. */
  readonly recursive?: boolean | undefined;
}

export interface PingOptions extends CallOptions {
  /** How often the peer is asked. Default: `10`. */
  readonly count?: number | undefined;
}

export interface DagPutOptions extends CallOptions {
  /** Older name of `storeCodec`. */
  readonly format?: string | undefined;
  /** Multihash function, such as `sha2-256`. Default: `'sha2-256'`. */
  readonly hashAlg?: string | undefined;
  /** The node is bytes of this codec, to be decoded first. */
  readonly inputCodec?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Tell CIDs, and store nothing. */
  readonly onlyHash?: boolean | undefined;
  /** Pin what is made. */
  readonly pin?: boolean | undefined;
  /** Codec to store the node with. */
  readonly storeCodec?: string | undefined;
  /** Version of the CID: 0 or 1. Default: `1`. */
  readonly version?: number | undefined;
}

export interface DagGetOptions extends CallOptions {
  /** Stop at the first link. */
  readonly localResolve?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** A path below the CID. */
  readonly path?: string | undefined;
}

export interface DagResolveOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** A path below the CID. */
  readonly path?: string | undefined;
}

export interface DagTreeOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** A path below the CID. */
  readonly path?: string | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
}

export interface DagExportOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface DagImportOptions extends CallOptions {
  /** Pin the roots that the CAR names. Default: `true`. */
  readonly pinRoots?: boolean | undefined;
  /** Tell the number of blocks and their bytes at the end. */
  readonly stats?: boolean | undefined;
}

export interface DagStatOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface BlockPutOptions extends CallOptions {
  /** Codec of the CID, such as `dag-cbor`. */
  readonly format?: string | undefined;
  /** Bytes of the digest that are kept. */
  readonly mhlen?: number | undefined;
  /** Multihash function, such as `sha2-256`. Default: `'sha2-256'`. */
  readonly mhtype?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Pin what is made. */
  readonly pin?: boolean | undefined;
  /** Version of the CID: 0 or 1. */
  readonly version?: number | undefined;
}

export interface BlockGetOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface BlockRmOptions extends CallOptions {
  /** Say nothing of blocks that are not there. */
  readonly force?: boolean | undefined;
  /** Tell errors only. */
  readonly quiet?: boolean | undefined;
}

export interface BlockStatOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface FilesStatOptions extends CallOptions {
  /** For the CID alone. */
  readonly hash?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** For the size alone. */
  readonly size?: boolean | undefined;
  /** Tell how much of it is here. */
  readonly withLocal?: boolean | undefined;
}

export interface FilesLsOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface FilesReadOptions extends CallOptions {
  /** Bytes, at most. */
  readonly length?: number | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Bytes from the beginning. Default: `0`. */
  readonly offset?: number | undefined;
}

export interface FilesWriteOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the file where there is none. */
  readonly create?: boolean | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** Bytes, at most. */
  readonly length?: number | undefined;
  /** Permissions of what has none of its own. */
  readonly mode?: ModeInput | undefined;
  /** Modification time of what has none of its own. */
  readonly mtime?: MtimeInput | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Bytes from the beginning. Default: `0`. */
  readonly offset?: number | undefined;
  /** Make the directories that it will be in. */
  readonly parents?: boolean | undefined;
  /** Leaves of files are raw blocks. */
  readonly rawLeaves?: boolean | undefined;
  /** A file of one block is that block. */
  readonly reduceSingleLeafToSelf?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
  /** Cut off what was there. */
  readonly truncate?: boolean | undefined;
}

export interface FilesMkdirOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** Permissions of what has none of its own. */
  readonly mode?: ModeInput | undefined;
  /** Modification time of what has none of its own. */
  readonly mtime?: MtimeInput | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Make the directories that it will be in. */
  readonly parents?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesCpOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Write over a file that is there. */
  readonly force?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Make the directories that it will be in. */
  readonly parents?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesMvOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Make the directories that it will be in. */
  readonly parents?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesRmOptions extends CallOptions {
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Say nothing of what is not there, and remove what cannot be read. */
  readonly force?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesTouchOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** The modification time; now, where not given. */
  readonly mtime?: MtimeInput | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesChmodOptions extends CallOptions {
  /** Version of the CIDs that are made: 0 or 1. */
  readonly cidVersion?: number | undefined;
  /** Make the change durable before the call returns. Default: `true`. */
  readonly flush?: boolean | undefined;
  /** Multihash function, such as `sha2-256`. */
  readonly hashAlg?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
  /** Bytes beyond which a directory is sharded. */
  readonly shardSplitThreshold?: number | undefined;
}

export interface FilesFlushOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface PinAddOptions extends CallOptions {
  /** Kept with the pin. */
  readonly metadata?: unknown;
  /** Name of the pin. */
  readonly name?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Pin all that is under it too. Default: `true`. */
  readonly recursive?: boolean | undefined;
  /** Most peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMax?: number | undefined;
  /** Fewest peers of an IPFS Cluster that keep it; -1 for all. */
  readonly replicationMin?: number | undefined;
}

export interface PinAddAllOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface PinLsOptions extends CallOptions {
  /** Only pins with this in their name. */
  readonly name?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Only these. */
  readonly paths?: CIDInput | Iterable<CIDInput> | undefined;
  /** Only pins of this kind. Default: `'all'`. */
  readonly type?: 'all' | 'recursive' | 'direct' | 'indirect' | undefined;
}

export interface PinRmOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Unpin all that is under it too. Default: `true`. */
  readonly recursive?: boolean | undefined;
}

export interface PinRmAllOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface PinUpdateOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Remove the old pin. Default: `true`. */
  readonly unpin?: boolean | undefined;
}

export interface PinRemoteAddOptions extends CallOptions {
  /** Return when the service has queued the pin, not when it is pinned. */
  readonly background?: boolean | undefined;
  /** Name of the pin. */
  readonly name?: string | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Addresses where the service finds the content. */
  readonly origins?: readonly MultiaddrInput[] | undefined;
  /** Name of the pinning service. */
  readonly service?: string | undefined;
}

export interface PinRemoteLsOptions extends CallOptions {
  /** Only pins of these. */
  readonly cid?: CIDInput | Iterable<CIDInput> | undefined;
  /** Only pins of this name. */
  readonly name?: string | undefined;
  /** Name of the pinning service. */
  readonly service?: string | undefined;
  /** Only pins in these states. */
  readonly status?: string | Iterable<string> | undefined;
}

export interface PinRemoteRmOptions extends CallOptions {
  /** Only pins of these. */
  readonly cid?: CIDInput | Iterable<CIDInput> | undefined;
  /** Only pins of this name. */
  readonly name?: string | undefined;
  /** Name of the pinning service. */
  readonly service?: string | undefined;
  /** Only pins in these states. */
  readonly status?: string | Iterable<string> | undefined;
}

export interface PinRemoteRmAllOptions extends CallOptions {
  /** Only pins of these. */
  readonly cid?: CIDInput | Iterable<CIDInput> | undefined;
  /** Only pins of this name. */
  readonly name?: string | undefined;
  /** Name of the pinning service. */
  readonly service?: string | undefined;
  /** Only pins in these states. */
  readonly status?: string | Iterable<string> | undefined;
}

export interface PinRemoteServiceAddOptions extends CallOptions {
  /** URL of the service's API. */
  readonly endpoint: string | URL;
  /** The service's access token. */
  readonly key: string;
}

export interface PinRemoteServiceLsOptions extends CallOptions {
  /** Ask the services how many pins they have. */
  readonly stat?: boolean | undefined;
}

export interface KeyGenOptions extends CallOptions {
  /** Bits of an RSA key. Default: `2048`. */
  readonly size?: number | undefined;
  /** Kind of the key. Default: `'ed25519'`. */
  readonly type?: 'ed25519' | 'rsa' | 'secp256k1' | 'ecdsa' | undefined;
}

export interface KeyRenameOptions extends CallOptions {
  /** Take the place of a key that has the name. */
  readonly force?: boolean | undefined;
}

export interface KeyExportOptions extends CallOptions {
  /** How it is written. */
  readonly format?: 'pem-pkcs8' | 'pem-pkcs8-cleartext' | 'libp2p-key' | 'libp2p-protobuf-cleartext' | undefined;
}

export interface KeySignOptions extends CallOptions {
  /** Name or ID of the key; the node's own, where not given. Default: `'self'`. */
  readonly key?: string | undefined;
}

export interface KeyVerifyOptions extends CallOptions {
  /** Name of a key here, or the ID of any; the node's own, where not given. Default: `'self'`. */
  readonly key?: string | undefined;
}

export interface NamePublishOptions extends CallOptions {
  /** Publish although no peer can be told of it. Default: `true`. */
  readonly allowOffline?: boolean | undefined;
  /** Name of the key to publish with. Default: `'self'`. */
  readonly key?: string | undefined;
  /** How long the record is valid. Default: `'48h'`. */
  readonly lifetime?: string | number | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Look the value up before it is published. Default: `true`. */
  readonly resolve?: boolean | undefined;
  /** Number of the record; the next one, where not given. */
  readonly sequence?: number | undefined;
  /** How long others may keep the record. */
  readonly ttl?: string | number | undefined;
  /** Sign the record for readers of version 1 too. Default: `true`. */
  readonly v1compat?: boolean | undefined;
}

export interface NameResolveOptions extends CallOptions {
  /** Ask anew, although an answer is kept. */
  readonly nocache?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Follow names on until what they lead to is immutable. Default: `true`. */
  readonly recursive?: boolean | undefined;
}

export interface NameGetOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface NamePutOptions extends CallOptions {
  /** Publish although no peer can be told of it. Default: `true`. */
  readonly allowOffline?: boolean | undefined;
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectNewOptions extends CallOptions {
  /** What the node is like. */
  readonly template?: 'unixfs-dir' | undefined;
}

export interface ObjectPutOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
  /** Pin what is made. */
  readonly pin?: boolean | undefined;
}

export interface ObjectGetOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectDataOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectLinksOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectStatOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectPatchAddLinkOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectPatchRmLinkOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectPatchAppendDataOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface ObjectPatchSetDataOptions extends CallOptions {
  /** Ask nobody else for what is not here. */
  readonly offline?: boolean | undefined;
}

export interface RepoGcOptions extends CallOptions {
  /** Tell errors only. */
  readonly quiet?: boolean | undefined;
}

export interface RepoStatOptions extends CallOptions {
  /** For the sizes alone. */
  readonly sizeOnly?: boolean | undefined;
}

export interface RepoVerifyOptions extends CallOptions {
  /** Told how far it has come. */
  readonly progress?: ((done: number, path?: string) => void) | undefined;
}

export interface ConfigProfilesApplyOptions extends CallOptions {
  /** Tell what would change, and change nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface StatsBwOptions extends CallOptions {
  /** How often it is told, where `poll` is set. Default: `'1s'`. */
  readonly interval?: string | number | undefined;
  /** Of this peer alone. */
  readonly peer?: PeerIdInput | undefined;
  /** Tell it again and again. */
  readonly poll?: boolean | undefined;
  /** Of this protocol alone. */
  readonly proto?: string | undefined;
}

export interface SwarmPeersOptions extends CallOptions {
  /** Tell who dialled. */
  readonly direction?: boolean | undefined;
  /** Tell round-trip times. */
  readonly latency?: boolean | undefined;
  /** Tell open streams. */
  readonly streams?: boolean | undefined;
  /** Tell all that is known. */
  readonly verbose?: boolean | undefined;
}

export interface PubsubSubscribeOptions extends CallOptions {
  /** Called with what cannot be told by the handler. */
  readonly onError?: ((given: Error) => unknown) | undefined;
}

export interface DhtFindProvsOptions extends CallOptions {
  /** How many to find. Default: `20`. */
  readonly numProviders?: number | undefined;
}

export interface DhtProvideOptions extends CallOptions {
  /** Go on into what is inside. */
  readonly recursive?: boolean | undefined;
}

export interface CoreAPI {
  /** Add one file or directory; options as for `addAll`. */
  add(input: AddInput, options?: AddOptions): Promise<AddResult>;
  /** Add files and directories while they arrive; entries come as soon as they are durable. */
  addAll(input: AddAllInput, options?: AddAllOptions): ItemStream<AddResult>;
  /** Stream the bytes of a file; `offline`, here and elsewhere, asks nobody else for blocks not here. */
  cat(path: CIDInput, options?: CatOptions): ByteStream;
  /** Stream a file or a whole tree, entry by entry, parents first. */
  get(path: CIDInput, options?: GetOptions): ByteStream;
  /** List a directory, or the one file that `path` names; `recursive` goes into the directories in it. */
  ls(path: CIDInput, options?: LsOptions): ItemStream<LsEntry>;
  /** Return the shortest immutable path to what `path`, perhaps a name's, leads to. */
  resolve(path: CIDInput, options?: ResolveOptions): Promise<string>;
  /** Return who this node is. */
  id(options?: IdOptions): Promise<IDResult>;
  /** Return the versions of this node. */
  version(options?: CallOptions): Promise<VersionResult>;
  /** Return the path that a domain stands for by its TXT records (DNSLink); `recursive` follows names on. */
  dns(domain: string, options?: DnsOptions): Promise<string>;
  /** Stream how long a peer takes to answer. */
  ping(peerId: PeerIdInput, options?: PingOptions): ItemStream<PingResult>;
  /** Return whether the node is connected with the network of its peers. */
  isOnline(options?: CallOptions): Promise<boolean>;
  /** End the node: later calls fail with ERR_NOT_STARTED, until another is opened. */
  stop(options?: CallOptions): Promise<void>;
  /** Return what may be called here, what of that this node cannot do, and how much at a time. */
  capabilities(options?: CallOptions): Promise<Capabilities>;
  readonly dag: DagAPI;
  readonly block: BlockAPI;
  readonly files: FilesAPI;
  readonly pin: PinAPI;
  readonly refs: RefsAPI;
  readonly key: KeyAPI;
  readonly name: NameAPI;
  readonly object: ObjectAPI;
  readonly repo: RepoAPI;
  readonly config: ConfigAPI;
  readonly bootstrap: BootstrapAPI;
  readonly stats: StatsAPI;
  readonly swarm: SwarmAPI;
  readonly bitswap: BitswapAPI;
  readonly pubsub: PubsubAPI;
  readonly dht: DhtAPI;
}

export interface DagAPI {
  /** Encode `value` by `storeCodec` (older name `format`; default dag-cbor), store it, return its CID. */
  put(dagNode: unknown, options?: DagPutOptions): Promise<CID>;
  /** Return the value at `path` under `cid`; with `localResolve` stop at the first link. */
  get(cid: CIDInput, options?: DagGetOptions): Promise<DagGetResult>;
  /** Return the last CID on a path, and what remains of the path inside that block. */
  resolve(cid: CIDInput, options?: DagResolveOptions): Promise<DagResolveResult>;
  /** Stream the paths in a node, relative to `path`; with `recursive` those behind its links, too. */
  tree(cid: CIDInput, options?: DagTreeOptions): ItemStream<string>;
  /** Stream a CARv1 of a whole DAG: depth first, each block once. */
  export(root: CIDInput, options?: DagExportOptions): ByteStream;
  /** Store the blocks of one CAR or of several, each verified, and pin their roots. */
  import(source: CarInput, options?: DagImportOptions): ItemStream<DagImportResult>;
  /** Count the blocks and bytes of one DAG or of several. */
  stat(roots: CIDInput | Iterable<CIDInput>, options?: DagStatOptions): Promise<DagStatResult>;
}

export interface BlockAPI {
  /** Store the bytes of one block as they are; version 0 and dag-pb unless something else is asked for. */
  put(block: ArrayBufferView | ArrayBuffer, options?: BlockPutOptions): Promise<CID>;
  /** Return the bytes of a block. */
  get(cid: CIDInput, options?: BlockGetOptions): Promise<Uint8Array>;
  /** Remove blocks; `force` passes over those that are not there, `quiet` tells of errors only. */
  rm(cids: CIDInput | Iterable<CIDInput>, options?: BlockRmOptions): ItemStream<BlockRemoval>;
  /** Return the size of a block. */
  stat(cid: CIDInput, options?: BlockStatOptions): Promise<BlockStat>;
}

export interface FilesAPI {
  /** Describe `/path` of the MFS, or `/ipfs/<cid>/path`. */
  stat(path: CIDInput, options?: FilesStatOptions): Promise<FileStat>;
  /** List a directory, or the one file that `path` names. */
  ls(path?: CIDInput, options?: FilesLsOptions): ItemStream<FileEntry>;
  /** Stream the bytes of a file. */
  read(path: CIDInput, options?: FilesReadOptions): ByteStream;
  /** Write content into a file, from byte `offset` on. */
  write(path: CIDInput, content: Content, options?: FilesWriteOptions): Promise<void>;
  /** Make a directory, with `parents` also those that it lies in. */
  mkdir(path: CIDInput, options?: FilesMkdirOptions): Promise<void>;
  /** Copy files and directories, also from `/ipfs/<cid>/path`, to the last of `paths`. */
  cp(from: CIDInput | Iterable<CIDInput>, to: CIDInput, options?: FilesCpOptions): Promise<void>;
  /** Move files and directories to the last of `paths`. */
  mv(from: CIDInput | Iterable<CIDInput>, to: CIDInput, options?: FilesMvOptions): Promise<void>;
  /** Remove files, with `recursive` also directories; `force` passes over what is not there. */
  rm(paths: CIDInput | Iterable<CIDInput>, options?: FilesRmOptions): Promise<void>;
  /** Set the modification time, now where not given; an empty file is made where nothing is. */
  touch(path: CIDInput, options?: FilesTouchOptions): Promise<void>;
  /** Change permission bits to a number, octal digits, or by symbols such as `a+x`. */
  chmod(path: CIDInput, mode: string | number, options?: FilesChmodOptions): Promise<void>;
  /** Make sure that everything is durable; return the CID of what is at `path`. */
  flush(path?: CIDInput, options?: FilesFlushOptions): Promise<CID>;
}

export interface PinAPI {
  /** Keep a block, and unless `recursive` is False everything under it, fetching what is not here. */
  add(path: CIDInput, options?: PinAddOptions): Promise<CID>;
  /** Keep many roots. */
  addAll(source: ItemSource<PinSource>, options?: PinAddAllOptions): ItemStream<CID>;
  /** List what is kept: all of a type, with `name` in its name, or what keeps each of `paths`. */
  ls(options?: PinLsOptions): ItemStream<PinEntry>;
  /** Stop keeping a root. */
  rm(path: CIDInput, options?: PinRmOptions): Promise<CID>;
  /** Stop keeping many roots. */
  rmAll(source: ItemSource<PinSource>, options?: PinRmAllOptions): ItemStream<CID>;
  /** Keep another root in the place of one, with its name and metadata. */
  update(from: CIDInput, to: CIDInput, options?: PinUpdateOptions): Promise<CID>;
  readonly remote: PinRemoteAPI;
}

export interface PinRemoteAPI {
  /** Ask a service to keep a DAG, and wait until it does, unless in the `background`. */
  add(cid: CIDInput, options?: PinRemoteAddOptions): Promise<RemotePin>;
  /** List the pins of a service: of these CIDs, of this name, of these statuses (`pinned` if not given). */
  ls(options?: PinRemoteLsOptions): ItemStream<RemotePin>;
  /** Remove the one pin that `ls` would list; none is no error, several are one. */
  rm(options?: PinRemoteRmOptions): Promise<void>;
  /** Remove all pins that `ls` would list. */
  rmAll(options?: PinRemoteRmAllOptions): Promise<void>;
  readonly service: PinRemoteServiceAPI;
}

export interface PinRemoteServiceAPI {
  /** Remember a service: its address, and the access token that it gave. */
  add(name: string, options: PinRemoteServiceAddOptions): Promise<void>;
  /** Return the services; with `stat` each is asked how many pins it has. */
  ls(options?: PinRemoteServiceLsOptions): Promise<RemotePinService[]>;
  /** Forget a service and its key; one that is not known is no error. */
  rm(name: string, options?: CallOptions): Promise<void>;
}

export interface RefsAPI {
  /** List the links of what `paths` name, with `recursive` those of everything under it. */
  (paths: CIDInput | Iterable<CIDInput>, options?: RefsOptions): ItemStream<RefEntry>;
  /** List every block of the repository, by multihash: version 1, codec raw. */
  local(options?: CallOptions): ItemStream<RefEntry>;
}

export interface KeyAPI {
  /** Make a key of `type` ed25519, rsa (of `size` bits), secp256k1 or ecdsa. */
  gen(name: string, options?: KeyGenOptions): Promise<KeyResult>;
  /** Return all keys, `self` first. */
  list(options?: CallOptions): Promise<KeyResult[]>;
  /** Return one key, by its name or its ID. */
  info(name: string, options?: CallOptions): Promise<KeyResult>;
  /** Forget a key for good; what it published can be published by nobody then. */
  rm(name: string, options?: CallOptions): Promise<KeyResult>;
  /** Give a key another name; with `force` even that of another key, which is lost then. */
  rename(oldName: string, newName: string, options?: KeyRenameOptions): Promise<KeyRenameResult>;
  /** Return a private key as `format` pem-pkcs8 (default for RSA), libp2p-key (for others), or one in clear. */
  export(name: string, password?: string, options?: KeyExportOptions): Promise<string | Uint8Array>;
  /** Add a key that was exported in any of the formats, here, by js-ipfs or by Kubo. */
  import(name: string, data: string | ArrayBufferView | ArrayBuffer, password?: string, options?: CallOptions): Promise<KeyResult>;
  /** Return the signature of `libp2p-key signed message:` and data, by a key of this name or ID. */
  sign(data: ArrayBufferView | ArrayBuffer, options?: KeySignOptions): Promise<Uint8Array>;
  /** Return whether `sign` made a signature, by a key of this name or ID, which can be anybody's. */
  verify(data: ArrayBufferView | ArrayBuffer, signature: ArrayBufferView | ArrayBuffer, options?: KeyVerifyOptions): Promise<boolean>;
}

export interface NameAPI {
  /** Sign that the name of `key` stands for `value` for a `lifetime` such as `"1h30m"`. */
  publish(value: CIDInput, options?: NamePublishOptions): Promise<NamePublishResult>;
  /** Stream the paths that a name (this node's where not given) stands for, the best last; await that one. */
  resolve(name?: CIDInput, options?: NameResolveOptions): ItemStream<string>;
  /** Return the record that a key's name has now, signed: for keeping, or to be `put` elsewhere. */
  get(name: string, options?: NameGetOptions): Promise<Uint8Array>;
  /** Publish a record that was signed elsewhere, if it is later than the one that there is. */
  put(name: string, record: ArrayBufferView | ArrayBuffer, options?: NamePutOptions): Promise<NamePublishResult>;
  readonly pubsub: NamePubsubAPI;
}

export interface NamePubsubAPI {
  /** Follow a name no more. */
  cancel(name: string, options?: CallOptions): Promise<NamePubsubCancelResult>;
  /** Return whether names are followed by pubsub. */
  state(options?: CallOptions): Promise<NamePubsubState>;
  /** Return the names that are followed. */
  subs(options?: CallOptions): Promise<string[]>;
}

export interface ObjectAPI {
  /** Store an empty node, or with the template `"unixfs-dir"` an empty directory. */
  new(options?: ObjectNewOptions): Promise<CID>;
  /** Store a node. */
  put(node: PBNodeInput, options?: ObjectPutOptions): Promise<CID>;
  /** Return a node. */
  get(cid: CIDInput, options?: ObjectGetOptions): Promise<PBNode>;
  /** Return the data of a node. */
  data(cid: CIDInput, options?: ObjectDataOptions): Promise<Uint8Array>;
  /** Return the links of a node of any codec. */
  links(cid: CIDInput, options?: ObjectLinksOptions): Promise<PBLink[]>;
  /** Return the sizes of a node. */
  stat(cid: CIDInput, options?: ObjectStatOptions): Promise<ObjectStat>;
  readonly patch: ObjectPatchAPI;
}

export interface ObjectPatchAPI {
  /** Return the CID of the node with one link more. */
  addLink(cid: CIDInput, link: PBLinkInput, options?: ObjectPatchAddLinkOptions): Promise<CID>;
  /** Return the CID of the node without the links of that name. */
  rmLink(cid: CIDInput, link: PBLinkInput | string, options?: ObjectPatchRmLinkOptions): Promise<CID>;
  /** Return the CID of the node with more data at its end. */
  appendData(cid: CIDInput, data: ArrayBufferView | ArrayBuffer, options?: ObjectPatchAppendDataOptions): Promise<CID>;
  /** Return the CID of the node with other data. */
  setData(cid: CIDInput, data: ArrayBufferView | ArrayBuffer, options?: ObjectPatchSetDataOptions): Promise<CID>;
}

export interface RepoAPI {
  /** Remove every block that no pin and no file of the MFS needs; `quiet` tells of none. */
  gc(options?: RepoGcOptions): ItemStream<GCResult>;
  /** Return how many blocks there are and how much room they take; `sizeOnly` leaves the count at 0. */
  stat(options?: RepoStatOptions): Promise<RepoStat>;
  /** Return the version of the repository's format. */
  version(options?: CallOptions): Promise<string>;
  /** Read every block and hash it: whatever is damaged comes as a result, nothing comes where all is well. */
  verify(options?: RepoVerifyOptions): ItemStream<VerifyResult>;
}

export interface ConfigAPI {
  /** Return the value at a key such as `"Addresses.Swarm"`. */
  get(key: string, options?: CallOptions): Promise<unknown>;
  /** Return the whole configuration. */
  getAll(options?: CallOptions): Promise<unknown>;
  /** Change or add the value at a key. */
  set(key: string, value: unknown, options?: CallOptions): Promise<void>;
  /** Put another configuration in the place of this one. */
  replace(config: unknown, options?: CallOptions): Promise<void>;
  readonly profiles: ConfigProfilesAPI;
}

export interface ConfigProfilesAPI {
  /** Return the profiles that there are. */
  list(options?: CallOptions): Promise<ConfigProfile[]>;
  /** Change the configuration as a profile says; with `dryRun` only tell how. */
  apply(name: string, options?: ConfigProfilesApplyOptions): Promise<ConfigProfileResult>;
}

export interface BootstrapAPI {
  /** Add a peer; one that is there already stays once. */
  add(addr: MultiaddrInput, options?: CallOptions): Promise<BootstrapResult>;
  /** Return all peers. */
  list(options?: CallOptions): Promise<BootstrapResult>;
  /** Remove a peer. */
  rm(addr: MultiaddrInput, options?: CallOptions): Promise<BootstrapResult>;
  /** Put the default peers in the place of the list, and return them. */
  reset(options?: CallOptions): Promise<BootstrapResult>;
  /** Empty the list, and return what was in it. */
  clear(options?: CallOptions): Promise<BootstrapResult>;
}

export interface StatsAPI {
  /** Return what `bitswap.stat` does. */
  bitswap(options?: CallOptions): Promise<BitswapStat>;
  /** Return what `repo.stat` does. */
  repo(options?: CallOptions): Promise<RepoStat>;
  /** Stream what was exchanged with others: once, or with `poll` every `interval`; await the last. */
  bw(options?: StatsBwOptions): ItemStream<BandwidthStat>;
}

export interface SwarmAPI {
  /** Return the peers that the node knows of, connected or not. */
  addrs(options?: CallOptions): Promise<PeerAddresses[]>;
  /** Connect with a peer: a multiaddress that ends with its ID, or the ID alone where its address is known. */
  connect(addr: MultiaddrInput, options?: CallOptions): Promise<void>;
  /** End the connection with a peer. */
  disconnect(addr: MultiaddrInput, options?: CallOptions): Promise<void>;
  /** Return the multiaddresses that the node listens on. */
  localAddrs(options?: CallOptions): Promise<Multiaddr[]>;
  /** Return the peers that the node is connected with; `verbose` tells everything of them. */
  peers(options?: SwarmPeersOptions): Promise<SwarmPeer[]>;
}

export interface BitswapAPI {
  /** Return the blocks that calls of this node wait for now. */
  wantlist(options?: CallOptions): Promise<CID[]>;
  /** Return the blocks that a peer wants of this node. */
  wantlistForPeer(peerId: PeerIdInput, options?: CallOptions): Promise<CID[]>;
  /** Wait no more for blocks. */
  unwant(cids: CIDInput | Iterable<CIDInput>, options?: CallOptions): Promise<void>;
  /** Return what is wanted and what was exchanged. */
  stat(options?: CallOptions): Promise<BitswapStat>;
}

export interface PubsubAPI {
  /** Return the topics that this node listens to. */
  ls(options?: CallOptions): Promise<string[]>;
  /** Return the peers known to listen to a topic. */
  peers(topic: string, options?: CallOptions): Promise<PeerId[]>;
  /** Send a message to all who listen to a topic. */
  publish(topic: string, data: ArrayBufferView | ArrayBuffer, options?: CallOptions): Promise<void>;
  /** Call `handler` with every message of a topic, from now until `unsubscribe`. */
  subscribe(topic: string, handler: (given: PubsubMessage) => unknown, options?: PubsubSubscribeOptions): Promise<void>;
  /** End what `subscribe` began, of one handler or of all that were given here for the topic. */
  unsubscribe(topic: string, handler?: (given: PubsubMessage) => unknown, options?: CallOptions): Promise<void>;
}

export interface DhtAPI {
  /** Stream the search for a peer's addresses. */
  findPeer(peerId: PeerIdInput, options?: CallOptions): ItemStream<RoutingEvent>;
  /** Stream the search for peers that have a block. */
  findProvs(cid: CIDInput, options?: DhtFindProvsOptions): ItemStream<RoutingEvent>;
  /** Stream the search for the value of a key. */
  get(key: string | ArrayBufferView | ArrayBuffer, options?: CallOptions): ItemStream<RoutingEvent>;
  /** Tell the network that blocks are here, with `recursive` whole DAGs. */
  provide(cids: CIDInput | Iterable<CIDInput>, options?: DhtProvideOptions): ItemStream<RoutingEvent>;
  /** Keep a value under a key in the network. */
  put(key: string | ArrayBufferView | ArrayBuffer, value: ArrayBufferView | ArrayBuffer, options?: CallOptions): ItemStream<RoutingEvent>;
  /** Stream the search for the peers that are closest to one. */
  query(peerId: PeerIdInput, options?: CallOptions): ItemStream<RoutingEvent>;
}
