/** Packets on a pair of byte streams: a process and its parent (`docs/protocol.md`, section 5). */

import { ProtocolError } from '../../errors.js';
import { type Bytes, bytesOf } from '../bytes.js';
import { MAX_BUFFERS } from '../frame.js';
import type { Carrier, Packet, ReceivedPacket } from './base.js';

const FRAGMENT_SIZE = 256 * 1024;
const MAX_FRAMES = 256;
const MAX_PACKET_SIZE = 64 * 1024 * 1024;

/** A stream of bytes that comes in; Node's Readable is one. */
export interface Incoming {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A stream of bytes that goes out; Node's Writable is one. */
export interface Outgoing {
  write(chunk: Uint8Array): unknown;
  end(): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export class StdioCarrier implements Carrier {
  readonly name = 'stdio';
  readonly maxFrames = MAX_FRAMES;
  readonly fragmentSize = FRAGMENT_SIZE;
  readonly tellsClose = true;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  #closed: ((error?: Error) => void) | undefined;
  #over = false;

  readonly #endIsNews: boolean;

  /**
   * @param owner - of the streams says by `fail()` when they end, since it knows more; without one the end of the input ends the carrier.
   */
  constructor(incoming: Incoming, outgoing: Outgoing, { owner = false } = {}) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#endIsNews = !owner;
  }

  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.#closed = closed;
    const parser = new PacketParser();
    this.#incoming.on('data', chunk => {
      if (this.#over) return;
      try {
        for (const packet of parser.push(chunk)) receive(packet);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.fail(error);
      }
    });
    const failed = (error?: Error): void => {
      if (this.#endIsNews) this.fail(error);
    };
    this.#incoming.on('end', failed);
    this.#incoming.on('close', failed);
    this.#incoming.on('error', failed);
    this.#outgoing.on('error', failed);
  }

  send(packet: Packet): void {
    if (this.#over) return;
    const head = new Uint8Array(4 + 4 * packet.length);
    const view = new DataView(head.buffer);
    view.setUint32(0, packet.length, true);
    packet.forEach((buffer, at) => view.setUint32(4 + 4 * at, buffer.byteLength, true));
    this.#outgoing.write(head);
    for (const buffer of packet) if (buffer.byteLength > 0) this.#outgoing.write(buffer);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#outgoing.end();
  }

  /** The streams are gone, or what comes is no packet. */
  fail(error?: Error): void {
    if (this.#over) return;
    this.close();
    this.#closed?.(error);
  }
}

/** Cuts a stream of bytes into packets. */
export class PacketParser {
  readonly #chunks: Bytes[] = [];
  #size = 0;
  #sizes: number[] | undefined;
  /** Bytes that the next step needs. */
  #needs = 4;
  #state: 'count' | 'sizes' | 'buffers' = 'count';

  /** @throws ProtocolError for a count or size beyond its limit. */
  *push(chunk: Uint8Array): Generator<Bytes[]> {
    this.#chunks.push(bytesOf(chunk));
    this.#size += chunk.byteLength;
    while (this.#size >= this.#needs) {
      const bytes = this.#take(this.#needs);
      const packet = this.#step(bytes);
      if (packet !== undefined) yield packet;
    }
  }

  #step(bytes: Bytes): Bytes[] | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (this.#state) {
      case 'count': {
        const count = view.getUint32(0, true);
        if (count < 1 || count > MAX_BUFFERS) throw new ProtocolError(`a packet of ${count} buffers on a stream`);
        this.#state = 'sizes';
        this.#needs = 4 * count;
        return undefined;
      }
      case 'sizes': {
        this.#sizes = Array.from({ length: bytes.byteLength / 4 }, (_, at) => view.getUint32(4 * at, true));
        this.#needs = this.#sizes.reduce((sum, size) => sum + size, 0);
        if (this.#needs > MAX_PACKET_SIZE) throw new ProtocolError(`a packet of ${this.#needs} bytes on a stream`);
        this.#state = 'buffers';
        return undefined;
      }
      case 'buffers': {
        let at = 0;
        const packet = (this.#sizes ?? []).map(size => bytes.subarray(at, (at += size)));
        this.#state = 'count';
        this.#needs = 4;
        return packet;
      }
    }
  }

  #take(count: number): Bytes {
    const first = this.#chunks[0];
    this.#size -= count;
    if (first !== undefined && first.byteLength >= count) {
      if (first.byteLength === count) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const joined = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      const chunk = this.#chunks[0] as Bytes;
      const part = chunk.subarray(0, count - at);
      joined.set(part, at);
      at += part.byteLength;
      if (part.byteLength === chunk.byteLength) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.byteLength);
    }
    return joined;
  }
}
