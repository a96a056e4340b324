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
export type * from './client/types.js';
export { CID, toCID } from './rpc/cid.js';
