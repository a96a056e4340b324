/** The API that a client has, as types. Made by scripts/page_client.py from the table of methods in ipfs_comm/rpc/services: changes belong there. */

import type { CID, CIDInput } from '../rpc/cid.js';
import type { AddAllInput, AddInput, CarInput, Content, ItemSource, ModeInput, MtimeInput } from '../rpc/input.js';
import type { MultiaddrInput, PBLinkInput, PBNodeInput, PinSource } from '../rpc/kinds.js';
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
  readonly Peers: string[];
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
  readonly id: string;
  readonly publicKey: string;
  readonly addresses: string[];
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

/** One block that is kept. */
export interface PinEntry {
  readonly cid: CID;
  readonly type: string;
  readonly metadata?: unknown;
  readonly name?: string | undefined;
}

/** One reference, as text; `err` says why it could not be followed. */
export interface RefEntry {
  readonly ref: string;
  readonly err: string;
}

/** The size of a repository; sizes in bytes. Where it has no limit `storageMax` is 2^53 - 1. */
export interface RepoStat {
  readonly numObjects: bigint;
  readonly repoSize: bigint;
  readonly repoPath: string;
  readonly version: string;
  readonly storageMax: bigint;
}

/** One block that is not what its CID says, or cannot be read; `error` says why. */
export interface VerifyResult {
  readonly cid: CID;
  readonly error: Error;
}

/** Versions of the node and of its repository's format. */
export interface VersionResult {
  readonly version: string;
  readonly repo: string;
  readonly commit: string;
}

export interface AddOptions extends CallOptions {
  readonly blockWriteConcurrency?: number;
  readonly chunker?: string;
  readonly cidVersion?: number;
  readonly fileImportConcurrency?: number;
  readonly hamtEstimation?: string;
  readonly hashAlg?: string;
  readonly inline?: boolean;
  readonly inlineLimit?: number;
  readonly mode?: ModeInput;
  readonly mtime?: MtimeInput;
  readonly onlyHash?: boolean;
  readonly pin?: boolean;
  readonly preload?: boolean;
  readonly profile?: string;
  readonly rawLeaves?: boolean;
  readonly shardSplitThreshold?: number;
  readonly trickle?: boolean;
  readonly wrapWithDirectory?: boolean;
  /** Told how far it has come. */
  readonly progress?: (done: number, path?: string) => void;
}

export interface AddAllOptions extends CallOptions {
  readonly blockWriteConcurrency?: number;
  readonly chunker?: string;
  readonly cidVersion?: number;
  readonly fileImportConcurrency?: number;
  readonly hamtEstimation?: string;
  readonly hashAlg?: string;
  readonly inline?: boolean;
  readonly inlineLimit?: number;
  readonly mode?: ModeInput;
  readonly mtime?: MtimeInput;
  readonly onlyHash?: boolean;
  readonly pin?: boolean;
  readonly preload?: boolean;
  readonly profile?: string;
  readonly rawLeaves?: boolean;
  readonly shardSplitThreshold?: number;
  readonly trickle?: boolean;
  readonly wrapWithDirectory?: boolean;
  /** Told how far it has come. */
  readonly progress?: (done: number, path?: string) => void;
}

export interface CatOptions extends CallOptions {
  readonly length?: number;
  readonly offline?: boolean;
  readonly offset?: number;
}

export interface GetOptions extends CallOptions {
  readonly archive?: boolean;
  readonly compress?: boolean;
  readonly compressionLevel?: number;
  readonly offline?: boolean;
}

export interface LsOptions extends CallOptions {
  readonly offline?: boolean;
  readonly recursive?: boolean;
}

export interface RefsOptions extends CallOptions {
  readonly edges?: boolean;
  readonly format?: string;
  readonly maxDepth?: number;
  readonly offline?: boolean;
  readonly recursive?: boolean;
  readonly unique?: boolean;
}

export interface ResolveOptions extends CallOptions {
  readonly cidBase?: string;
  readonly offline?: boolean;
  readonly recursive?: boolean;
}

export interface IdOptions extends CallOptions {
  readonly peerId?: string;
}

export interface DagPutOptions extends CallOptions {
  readonly format?: string;
  readonly hashAlg?: string;
  readonly inputCodec?: string;
  readonly offline?: boolean;
  readonly onlyHash?: boolean;
  readonly pin?: boolean;
  readonly storeCodec?: string;
  readonly version?: number;
}

export interface DagGetOptions extends CallOptions {
  readonly localResolve?: boolean;
  readonly offline?: boolean;
  readonly path?: string;
}

export interface DagResolveOptions extends CallOptions {
  readonly offline?: boolean;
  readonly path?: string;
}

export interface DagTreeOptions extends CallOptions {
  readonly offline?: boolean;
  readonly path?: string;
  readonly recursive?: boolean;
}

export interface DagExportOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface DagImportOptions extends CallOptions {
  readonly pinRoots?: boolean;
  readonly stats?: boolean;
}

export interface DagStatOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface BlockPutOptions extends CallOptions {
  readonly format?: string;
  readonly mhlen?: number;
  readonly mhtype?: string;
  readonly offline?: boolean;
  readonly pin?: boolean;
  readonly version?: number;
}

export interface BlockGetOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface BlockRmOptions extends CallOptions {
  readonly force?: boolean;
  readonly quiet?: boolean;
}

export interface BlockStatOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface FilesStatOptions extends CallOptions {
  readonly hash?: boolean;
  readonly offline?: boolean;
  readonly size?: boolean;
  readonly withLocal?: boolean;
}

export interface FilesLsOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface FilesReadOptions extends CallOptions {
  readonly length?: number;
  readonly offline?: boolean;
  readonly offset?: number;
}

export interface FilesWriteOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly create?: boolean;
  readonly flush?: boolean;
  readonly hashAlg?: string;
  readonly length?: number;
  readonly mode?: ModeInput;
  readonly mtime?: MtimeInput;
  readonly offline?: boolean;
  readonly offset?: number;
  readonly parents?: boolean;
  readonly rawLeaves?: boolean;
  readonly reduceSingleLeafToSelf?: boolean;
  readonly shardSplitThreshold?: number;
  readonly truncate?: boolean;
}

export interface FilesMkdirOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly flush?: boolean;
  readonly hashAlg?: string;
  readonly mode?: ModeInput;
  readonly mtime?: MtimeInput;
  readonly offline?: boolean;
  readonly parents?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesCpOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly flush?: boolean;
  readonly force?: boolean;
  readonly hashAlg?: string;
  readonly offline?: boolean;
  readonly parents?: boolean;
  readonly recursive?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesMvOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly flush?: boolean;
  readonly hashAlg?: string;
  readonly offline?: boolean;
  readonly parents?: boolean;
  readonly recursive?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesRmOptions extends CallOptions {
  readonly flush?: boolean;
  readonly force?: boolean;
  readonly offline?: boolean;
  readonly recursive?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesTouchOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly flush?: boolean;
  readonly hashAlg?: string;
  readonly mtime?: MtimeInput;
  readonly offline?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesChmodOptions extends CallOptions {
  readonly cidVersion?: number;
  readonly flush?: boolean;
  readonly hashAlg?: string;
  readonly offline?: boolean;
  readonly recursive?: boolean;
  readonly shardSplitThreshold?: number;
}

export interface FilesFlushOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface PinAddOptions extends CallOptions {
  readonly metadata?: unknown;
  readonly name?: string;
  readonly offline?: boolean;
  readonly recursive?: boolean;
}

export interface PinAddAllOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface PinLsOptions extends CallOptions {
  readonly name?: string;
  readonly offline?: boolean;
  readonly paths?: CIDInput | Iterable<CIDInput>;
  readonly type?: string;
}

export interface PinRmOptions extends CallOptions {
  readonly offline?: boolean;
  readonly recursive?: boolean;
}

export interface PinRmAllOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface PinUpdateOptions extends CallOptions {
  readonly offline?: boolean;
  readonly unpin?: boolean;
}

export interface KeyGenOptions extends CallOptions {
  readonly size?: number;
  readonly type?: string;
}

export interface KeyRenameOptions extends CallOptions {
  readonly force?: boolean;
}

export interface KeyExportOptions extends CallOptions {
  readonly format?: string;
}

export interface NamePublishOptions extends CallOptions {
  readonly allowOffline?: boolean;
  readonly key?: string;
  readonly lifetime?: string | number;
  readonly offline?: boolean;
  readonly resolve?: boolean;
  readonly sequence?: number;
  readonly ttl?: string | number;
  readonly v1compat?: boolean;
}

export interface NameResolveOptions extends CallOptions {
  readonly nocache?: boolean;
  readonly recursive?: boolean;
}

export interface ObjectNewOptions extends CallOptions {
  readonly template?: string;
}

export interface ObjectPutOptions extends CallOptions {
  readonly offline?: boolean;
  readonly pin?: boolean;
}

export interface ObjectGetOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectDataOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectLinksOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectStatOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectPatchAddLinkOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectPatchRmLinkOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectPatchAppendDataOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface ObjectPatchSetDataOptions extends CallOptions {
  readonly offline?: boolean;
}

export interface RepoGcOptions extends CallOptions {
  readonly quiet?: boolean;
}

export interface RepoStatOptions extends CallOptions {
  readonly sizeOnly?: boolean;
}

export interface RepoVerifyOptions extends CallOptions {
  /** Told how far it has come. */
  readonly progress?: (done: number, path?: string) => void;
}

export interface ConfigProfilesApplyOptions extends CallOptions {
  readonly dryRun?: boolean;
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
  /** Return a private key as `format` pem-pkcs8 (default), libp2p-key, or one in clear. */
  export(name: string, password?: string, options?: KeyExportOptions): Promise<string | Uint8Array>;
  /** Add a key that was exported in any of the formats, here, by js-ipfs or by Kubo. */
  import(name: string, data: string | ArrayBufferView | ArrayBuffer, password?: string, options?: CallOptions): Promise<KeyResult>;
}

export interface NameAPI {
  /** Sign that the name of `key` stands for `value` for a `lifetime` such as `"1h30m"`. */
  publish(value: CIDInput, options?: NamePublishOptions): Promise<NamePublishResult>;
  /** Stream the paths that a name (this node's where not given) stands for, the best last; await that one. */
  resolve(name?: CIDInput, options?: NameResolveOptions): ItemStream<string>;
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
