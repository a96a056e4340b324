/** Public names of the npm package `ipfs-comm`. */

export * from './errors.js';
export {
  Acceptor,
  bridge,
  type Carrier,
  channel,
  type CloseEvent,
  type Interceptor,
  type Limits,
  Link,
  type OpenOptions,
  Port,
  type Road,
  type Service
} from './wire/index.js';
export { connect, connectModel, type CommFrontend, type ConnectOptions, type KernelLike, type ModelLike } from './connect.js';
export { IIpfs } from './token.js';
export { IPFSClient } from './client/index.js';
export { ByteStream, ItemStream } from './client/stream.js';
export type * from './client/api.js';
export type * from './client/types.js';
export type { AddAllInput, AddInput, BytesInput, CarInput, Content, FileInput, ItemSource, ModeInput, MtimeInput } from './rpc/input.js';
export type { MultiaddrInput, PBLinkInput, PBNodeInput, PeerIdInput, PinSource } from './rpc/kinds.js';
export { Multiaddr } from './rpc/multiaddr.js';
export { PeerId } from './rpc/peer-id.js';
export { CID, type CIDInput, type CIDLike, toCID } from './rpc/cid.js';
