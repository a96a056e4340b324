/** What the client's calls take and give. */

import type { CID, CIDInput, CIDLike } from '../rpc/cid.js';
import type { AddAllInput, AddInput, BytesInput, Content, FileInput, MtimeInput } from '../rpc/input.js';

export type { AddAllInput, AddInput, BytesInput, CID, CIDInput, CIDLike, Content, FileInput, MtimeInput };

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, and the work at the node. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the answer, or each item of a stream, may take. */
  readonly timeout?: number | undefined;
}

/** How content becomes a DAG. */
export interface AddOptions extends CallOptions {
  readonly cidVersion?: 0 | 1;
  readonly rawLeaves?: boolean;
  readonly hashAlg?: string;
  readonly chunker?: string;
  readonly trickle?: boolean;
  readonly pin?: boolean;
  readonly onlyHash?: boolean;
  readonly wrapWithDirectory?: boolean;
  readonly preload?: boolean;
  readonly shardSplitThreshold?: number;
  readonly fileImportConcurrency?: number;
  readonly blockWriteConcurrency?: number;
  /** Told how many bytes of which path have been added. */
  readonly progress?: (bytes: number, path?: string) => void;
  readonly [option: string]: unknown;
}

/** What was added. */
export interface AddResult {
  readonly path: string;
  readonly cid: CID;
  readonly size: number;
  readonly mode?: number | undefined;
  readonly mtime?: { readonly secs: number; readonly nsecs?: number } | undefined;
}

/** Which part of a file. */
export interface CatOptions extends CallOptions {
  /** First byte. */
  readonly offset?: number;
  /** Bytes at most. */
  readonly length?: number;
}

export interface ListOptions extends CallOptions {
  readonly recursive?: boolean;
  readonly [option: string]: unknown;
}

/** An entry of a directory. */
export interface ListEntry {
  readonly cid: CID;
  readonly type: 'file' | 'dir';
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mode?: number | undefined;
  readonly mtime?: { readonly secs: number; readonly nsecs?: number } | undefined;
}

export interface DagPutOptions extends CallOptions {
  readonly storeCodec?: string;
  readonly inputCodec?: string;
  readonly format?: string;
  readonly hashAlg?: string;
  readonly version?: 0 | 1;
  readonly pin?: boolean;
  readonly onlyHash?: boolean;
  readonly [option: string]: unknown;
}

export interface DagGetOptions extends CallOptions {
  /** Path below the CID. */
  readonly path?: string;
  /** Stop at the first link. */
  readonly localResolve?: boolean;
}

export interface DagGetResult {
  readonly value: unknown;
  /** What of the path lies beyond the first link, with `localResolve`. */
  readonly remainderPath?: string | undefined;
}

export interface DagResolveOptions extends CallOptions {
  readonly path?: string;
}

export interface DagResolveResult {
  readonly cid: CID;
  readonly remainderPath?: string | undefined;
}

export interface BlockPutOptions extends CallOptions {
  readonly format?: string;
  readonly mhtype?: string;
  readonly version?: 0 | 1;
  readonly pin?: boolean;
  readonly [option: string]: unknown;
}

export interface BlockRemoveOptions extends CallOptions {
  /** No error for a block that is not there. */
  readonly force?: boolean;
  /** Give nothing for blocks that were removed. */
  readonly quiet?: boolean;
}

export interface BlockRemoveResult {
  readonly cid: CID;
  readonly error?: Error;
}

export interface BlockStat {
  readonly cid: CID;
  readonly size: number;
}

export interface FilesStatOptions extends CallOptions {
  readonly hash?: boolean;
  readonly size?: boolean;
  readonly withLocal?: boolean;
}

export interface FilesStat {
  readonly cid: CID;
  readonly type: 'file' | 'directory';
  readonly size: number;
  readonly cumulativeSize: number;
  readonly blocks: number;
  readonly withLocality: boolean;
  readonly local?: boolean | undefined;
  readonly sizeLocal?: number | undefined;
  readonly mode?: number | undefined;
  readonly mtime?: { readonly secs: number; readonly nsecs?: number } | undefined;
}
