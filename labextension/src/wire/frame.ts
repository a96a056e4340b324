/** The bytes of a packet: the whole wire below messages, as types. Normative text: `docs/protocol.md`, sections 1 to 3. */

import { ProtocolError } from '../errors.js';
import { type Bytes, bytesOf, decodeJSON, encodeJSON } from './bytes.js';
import type { ReceivedPacket } from './carriers/base.js';

export const MAGIC = 0xc9;
export const LAYOUT = 1;
/** Versions of the protocol that this end speaks. */
export const VERSIONS: readonly number[] = [1];

export const MAX_BUFFERS = 1024;
export const MAX_NAKS = 64;
export const MIN_TOKEN = 16;
export const MAX_TOKEN = 64;

const HEAD_SIZE = 4;
const HEADER_SIZE = 20;
/** A body up to this size stands in the head, where it costs no buffer of its own. */
const INLINE_SIZE = 4096;
const TWO_32 = 2 ** 32;

export const FrameType = {
  HELLO: 1,
  WELCOME: 2,
  REFUSE: 3,
  DATA: 4,
  CLOSE: 5,
  ACK: 6,
  PING: 7,
  END: 8
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Flags of DATA. */
export const FIRST = 1;
export const LAST = 2;

/** One frame. The body may be in pieces. */
export interface Frame {
  readonly type: FrameType;
  readonly flags: number;
  readonly seq: number;
  readonly port: number;
  readonly body: readonly Bytes[];
}

/** A packet, taken apart. */
export interface DecodedPacket {
  readonly token: Bytes;
  readonly frames: readonly Frame[];
}

/** Body of HELLO. */
export interface Hello {
  readonly versions: readonly number[];
  readonly link: string;
  readonly carriers: readonly string[];
  readonly service: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly agent: string;
  readonly window: number;
  /** The link is open, and goes on over this carrier; absent otherwise. */
  readonly resume?: true;
}

/** Body of WELCOME. */
export interface Welcome {
  readonly version: number;
  readonly link: string;
  readonly carrier: string;
  readonly agent: string;
  readonly window: number;
}

/** Body of REFUSE. */
export interface Refuse {
  readonly code: string;
  readonly message: string;
  readonly versions: readonly number[];
}

/** Body of END. */
export interface End {
  readonly code: string;
  readonly message: string;
}

/** Body of ACK. `missing` are ranges of sequence numbers, first and last included. */
export interface Ack {
  readonly cumulative: number;
  readonly window: number;
  readonly missing: readonly (readonly [first: number, last: number])[];
}

/** Bytes of a frame's body. */
export function bodySize(frame: Frame): number {
  let size = 0;
  for (const piece of frame.body) size += piece.byteLength;
  return size;
}

/** How many buffers of a packet the frame takes beside the head. */
export function segmentsOf(frame: Frame): number {
  return bodySize(frame) <= INLINE_SIZE ? 0 : frame.body.length;
}

/**
 * Put a packet together.
 *
 * @param token - the opener's secret, empty in packets of the acceptor.
 * @param frames - at least one; the pieces of their bodies must cover their buffers, since they travel as they are.
 */
export function encodePacket(token: Uint8Array, frames: readonly Frame[]): Bytes[] {
  const sizes = frames.map(bodySize);
  let headSize = HEAD_SIZE + token.byteLength;
  for (const size of sizes) headSize += HEADER_SIZE + (size <= INLINE_SIZE ? size : 0);
  const head = new Uint8Array(headSize);
  const view = new DataView(head.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, LAYOUT);
  view.setUint16(2, token.byteLength, true);
  head.set(token, HEAD_SIZE);
  const packet: Bytes[] = [head];
  let at = HEAD_SIZE + token.byteLength;
  frames.forEach((frame, index) => {
    const size = sizes[index] as number;
    const inline = size <= INLINE_SIZE;
    view.setUint8(at, frame.type);
    view.setUint8(at + 1, frame.flags);
    view.setUint16(at + 2, inline ? 0 : frame.body.length, true);
    view.setUint32(at + 4, size, true);
    setU64(view, at + 8, frame.seq);
    view.setUint32(at + 16, frame.port, true);
    at += HEADER_SIZE;
    for (const piece of frame.body) {
      if (!inline) packet.push(piece);
      else {
        head.set(piece, at);
        at += piece.byteLength;
      }
    }
  });
  return packet;
}

/**
 * The token of a packet, so that it can be checked before anything else is read; null if the packet has no such field.
 */
export function tokenOf(packet: ReceivedPacket): Bytes | null {
  if (packet.length < 1) return null;
  const head = bytesOf(packet[0] as ArrayBufferView);
  if (head.byteLength < HEAD_SIZE) return null;
  const size = new DataView(head.buffer, head.byteOffset).getUint16(2, true);
  return HEAD_SIZE + size <= head.byteLength ? head.subarray(HEAD_SIZE, HEAD_SIZE + size) : null;
}

/**
 * Take a packet apart. Bodies are views into the given buffers.
 *
 * @throws ProtocolError for anything that section 1 does not allow.
 */
export function decodePacket(packet: ReceivedPacket): DecodedPacket {
  if (packet.length < 1 || packet.length > MAX_BUFFERS) throw new ProtocolError(`a packet of ${packet.length} buffers`);
  const head = bytesOf(packet[0] as ArrayBufferView);
  if (head.byteLength < HEAD_SIZE) throw new ProtocolError(`a packet whose head has ${head.byteLength} bytes`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint8(0) !== MAGIC) throw new ProtocolError(`a packet that starts with ${view.getUint8(0)} instead of ${MAGIC}`);
  if (view.getUint8(1) !== LAYOUT) throw new ProtocolError(`a packet of layout ${view.getUint8(1)}: this end reads layout ${LAYOUT}`);
  const tokenSize = view.getUint16(2, true);
  if (tokenSize !== 0 && (tokenSize < MIN_TOKEN || tokenSize > MAX_TOKEN)) throw new ProtocolError(`a token of ${tokenSize} bytes`);
  let at = HEAD_SIZE + tokenSize;
  if (at > head.byteLength) throw new ProtocolError('a packet whose head ends inside the token');
  const token = head.subarray(HEAD_SIZE, at);
  const frames: Frame[] = [];
  let next = 1;
  while (at < head.byteLength) {
    if (at + HEADER_SIZE > head.byteLength) throw new ProtocolError('a packet whose head ends inside a frame header');
    const type = view.getUint8(at);
    const flags = view.getUint8(at + 1);
    const segments = view.getUint16(at + 2, true);
    const size = view.getUint32(at + 4, true);
    const seq = getU64(view, at + 8);
    const port = view.getUint32(at + 16, true);
    at += HEADER_SIZE;
    const body: Bytes[] = [];
    if (segments === 0) {
      if (at + size > head.byteLength) throw new ProtocolError(`a frame of ${size} bytes in a head that ends before`);
      if (size > 0) body.push(head.subarray(at, at + size));
      at += size;
    } else {
      if (next + segments > packet.length) throw new ProtocolError(`a frame with ${segments} segments in a packet that has fewer`);
      let total = 0;
      for (let i = 0; i < segments; i++) {
        const piece = bytesOf(packet[next++] as ArrayBufferView);
        total += piece.byteLength;
        if (piece.byteLength > 0) body.push(piece);
      }
      if (total !== size) throw new ProtocolError(`a frame of ${size} bytes whose segments have ${total}`);
    }
    frames.push(checked({ type: type as FrameType, flags, seq, port, body }, size));
  }
  if (frames.length === 0) throw new ProtocolError('a packet without frames');
  if (next !== packet.length) throw new ProtocolError(`a packet with ${packet.length - next} segments left over`);
  return { token, frames };
}

function checked(frame: Frame, size: number): Frame {
  const { type, flags, seq, port } = frame;
  const numbered = type === FrameType.DATA || type === FrameType.CLOSE;
  if (type < FrameType.HELLO || type > FrameType.END) throw new ProtocolError(`a frame of unknown type ${type}`);
  if ((flags & ~(type === FrameType.DATA ? FIRST | LAST : 0)) !== 0) throw new ProtocolError(`a frame of type ${type} with flags ${flags}`);
  if (!numbered && port !== 0) throw new ProtocolError(`a frame of type ${type} for port ${port}`);
  if (numbered && seq === 0) throw new ProtocolError(`a frame of type ${type} without a sequence number`);
  if (type <= FrameType.REFUSE && seq !== 0) throw new ProtocolError(`a frame of type ${type} with sequence number ${seq}`);
  if ((type === FrameType.CLOSE || type === FrameType.PING) && size !== 0) throw new ProtocolError(`a frame of type ${type} with a body`);
  return frame;
}

/** A frame with a JSON body. */
export function jsonFrame(type: FrameType, value: Hello | Welcome | Refuse | End, seq = 0): Frame {
  return { type, flags: 0, seq, port: 0, body: [encodeJSON(value)] };
}

/** The JSON object of a frame's body. */
export function jsonBody(frame: Frame): Record<string, unknown> {
  let value: unknown;
  try {
    value = decodeJSON(contiguous(frame));
  } catch (error) {
    throw new ProtocolError(`a frame of type ${frame.type} whose body is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ProtocolError(`a frame of type ${frame.type} whose body is no JSON object`);
  }
  return value as Record<string, unknown>;
}

/** What an END frame says. */
export function endBody(frame: Frame): End {
  const { code, message } = jsonBody(frame);
  if (typeof code !== 'string' || typeof message !== 'string') throw new ProtocolError('an END without code and message');
  return { code, message };
}

/** An ACK frame; `seq` is the last sequence number that this end has sent. */
export function ackFrame(ack: Ack, seq: number): Frame {
  const missing = ack.missing.slice(0, MAX_NAKS);
  const body = new Uint8Array(16 + 16 * missing.length);
  const view = new DataView(body.buffer);
  setU64(view, 0, ack.cumulative);
  view.setUint32(8, ack.window, true);
  view.setUint16(12, missing.length, true);
  missing.forEach(([first, last], index) => {
    setU64(view, 16 + 16 * index, first);
    setU64(view, 24 + 16 * index, last);
  });
  return { type: FrameType.ACK, flags: 0, seq, port: 0, body: [body] };
}

/** A PING frame; `seq` is the last sequence number that this end has sent. */
export function pingFrame(seq: number): Frame {
  return { type: FrameType.PING, flags: 0, seq, port: 0, body: [] };
}

/** What an ACK frame says. */
export function ackBody(frame: Frame): Ack {
  const body = contiguous(frame);
  if (body.byteLength < 16) throw new ProtocolError(`an ACK of ${body.byteLength} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const cumulative = getU64(view, 0);
  const count = view.getUint16(12, true);
  if (view.getUint16(14, true) !== 0) throw new ProtocolError('an ACK whose reserved field is not zero');
  if (count > MAX_NAKS || body.byteLength !== 16 + 16 * count)
    throw new ProtocolError(`an ACK of ${body.byteLength} bytes with ${count} ranges`);
  const missing: [number, number][] = [];
  let after = cumulative;
  for (let at = 16; at < body.byteLength; at += 16) {
    const first = getU64(view, at);
    const last = getU64(view, at + 8);
    if (first <= after || last < first) throw new ProtocolError(`an ACK with the range ${first} to ${last} after ${after}`);
    missing.push([first, last]);
    // Between two ranges stands a frame that has arrived.
    after = last + 1;
  }
  return { cumulative, window: view.getUint32(8, true), missing };
}

function contiguous(frame: Frame): Bytes {
  const [first] = frame.body;
  if (first === undefined) return new Uint8Array(0);
  if (frame.body.length === 1) return first;
  const joined = new Uint8Array(bodySize(frame));
  let at = 0;
  for (const piece of frame.body) {
    joined.set(piece, at);
    at += piece.byteLength;
  }
  return joined;
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getU64(view: DataView, at: number): number {
  const value = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
  if (!Number.isSafeInteger(value)) throw new ProtocolError(`a number beyond 2^53 - 1`);
  return value;
}
