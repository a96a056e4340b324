/** Message ports over a carrier; knows nothing of IPFS. */

export type { Carrier, Packet, ReceivedPacket, Road } from './carriers/base.js';
export { Acceptor, type Service } from './link/acceptor.js';
export { Link, type OpenOptions } from './link/link.js';
export type { Limits } from './limits.js';
export { bridge } from './port/bridge.js';
export { channel, type CloseEvent, type Interceptor, Port } from './port/port.js';
