/** The ports of a link: what stands for each, who is told of what, and when an id is done with. */

import { LinkError, ProtocolError } from '../../errors.js';
import { type Bytes, join } from '../bytes.js';
import { bodySize, FIRST, type Frame, FrameType, LAST } from '../frame.js';
import type { Limits } from '../limits.js';
import { decodeMessage, encodeMessage, MAX_PORTS } from '../message.js';
import { RemoteBlob, serveBlob } from '../port/remote-blob.js';
import { discard, type End, entangle, type Message, type Resource, Seat } from '../port/seat.js';
import { NumberSet } from './numbers.js';
import type { Outbox } from './outbox.js';

/** So many small pieces in a row are joined, since each keeps the packet it came in. */
const MANY_PIECES = 4096;
const SMALL_PIECE = 1024;

/** What the ports of a link stand on. */
export interface PortsHost {
  readonly link: string;
  readonly outbox: Outbox;
  readonly limits: Limits;
  /** Send soon what is queued. */
  pump(): void;
  /** No port is left. */
  idle(): void;
  fail(error: Error): void;
}

export class Ports {
  readonly #host: PortsHost;
  readonly #ends = new Map<number, LinkEnd>();
  /** Ids of the peer that are done with, halved. */
  readonly #done = new NumberSet();
  #nextId: number;
  #unfinished = 0;

  constructor(host: PortsHost, firstId: 1 | 2) {
    this.#host = host;
    this.#nextId = firstId;
  }

  get limits(): Limits {
    return this.#host.limits;
  }

  /** How many are open. */
  get size(): number {
    return this.#ends.size;
  }

  /** Make port 0. */
  main(seat: Seat): void {
    entangle(this.#add(0), seat);
  }

  /** Take a DATA or CLOSE frame, in order. */
  deliver(frame: Frame): void {
    const end = this.#ends.get(frame.port);
    if (end !== undefined) return frame.type === FrameType.CLOSE ? end.remoteClose() : end.fragment(frame);
    const mine = frame.port !== 0 && frame.port % 2 === this.#nextId % 2;
    if (mine ? frame.port >= this.#nextId : frame.port !== 0 && !this.#done.has(frame.port >>> 1)) {
      throw new ProtocolError(`a frame for port ${frame.port}, of which no message told`);
    }
  }

  /** The link is over. */
  over(error: LinkError | undefined): void {
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    for (const end of ends) end.over(error);
  }

  /** Send a message on a port. */
  send(id: number, message: Message): void {
    const { outbox } = this.#host;
    const ids: number[] = [];
    if (this.#ends.size + message.resources.length > this.limits.maxPorts) {
      discard(message);
      return this.#host.fail(tooMany(this.limits.maxPorts));
    }
    for (const resource of message.resources.splice(0)) {
      const seat = resource instanceof Seat ? resource : resource instanceof RemoteBlob ? resource.forward() : serveBlob(resource);
      const end = this.#add(this.#nextId);
      this.#nextId += 2;
      ids.push(end.id);
      // Nothing may come for a port before the message that tells of it.
      outbox.hold(end.id);
      seat.moveTo(end);
    }
    const { root, entries, buffers } = message;
    outbox.message(id, encodeMessage({ root, entries, buffers, ports: ids }), () => {
      for (const held of ids) outbox.release(held);
      message.sent?.();
    });
    this.#host.pump();
  }

  /** Tell the peer that a port is closed here. */
  close(id: number): void {
    this.#host.outbox.close(id);
    this.#host.pump();
  }

  /** So many bytes of an unfinished message have come, or are done with. */
  unfinished(bytes: number): void {
    this.#unfinished += bytes;
    const { maxUnfinished } = this.limits;
    if (this.#unfinished > maxUnfinished)
      throw new LinkError(`more than ${maxUnfinished} bytes (maxUnfinished) of unfinished messages`, { code: 'ERR_LIMIT' });
  }

  /** A port is closed at both ends. */
  done(id: number): void {
    this.#ends.delete(id);
    if (id !== 0 && id % 2 !== this.#nextId % 2) this.#done.add(id >>> 1);
    if (this.#ends.size === 0) this.#host.idle();
  }

  /** The message of a received byte stream, with seats for its ports. */
  receive(parts: readonly Bytes[]): Message {
    const metaSize = metaSizeOf(parts);
    const { maxMeta } = this.limits;
    if (metaSize > maxMeta) throw new ProtocolError(`a message whose meta has ${metaSize} bytes, more than ${maxMeta} (maxMeta)`);
    const { root, entries, buffers, ports, blobs } = decodeMessage(parts);
    const resources: Resource[] = ports.map(id => {
      if (id % 2 === this.#nextId % 2 || this.#ends.has(id) || this.#done.has(id >>> 1))
        throw new ProtocolError(`port ${id} in a message is not a fresh one`);
      const seat = new Seat();
      entangle(this.#add(id), seat);
      return seat;
    });
    for (const { index, type, size } of blobs) resources[index] = new RemoteBlob(resources[index] as Seat, size, type);
    return { root, entries, buffers, resources, reject: error => this.#host.fail(error) };
  }

  /** Whether the seat's partner is the other side of that port, in this same process. */
  isOtherSide(id: number, resource: Resource): boolean {
    const partner = resource instanceof Seat ? resource.partner : null;
    return partner instanceof LinkEnd && partner.id === id && partner.link === this.#host.link;
  }

  get link(): string {
    return this.#host.link;
  }

  #add(id: number): LinkEnd {
    if (this.#ends.size >= this.limits.maxPorts) throw tooMany(this.limits.maxPorts);
    const end = new LinkEnd(this, id);
    this.#ends.set(id, end);
    return end;
  }
}

/** Stands for the port at the other side of the link. */
class LinkEnd implements End {
  partner: End | null = null;
  readonly id: number;
  readonly #ports: Ports;
  #parts: Bytes[] = [];
  #size = 0;
  #small = 0;
  #inMessage = false;
  #closedHere = false;
  #closedThere = false;

  constructor(ports: Ports, id: number) {
    this.#ports = ports;
    this.id = id;
  }

  get link(): string {
    return this.#ports.link;
  }

  accept(message: Message): void {
    // A port sent through its own channel takes the channel with it: the message can reach nobody.
    if (this.#closedHere || message.resources.some(resource => this.#ports.isOtherSide(this.id, resource))) return discard(message);
    if (message.resources.length > MAX_PORTS) return this.#refuse(message, `a message with more than ${MAX_PORTS} ports`);
    const { maxMessage } = this.#ports.limits;
    if (message.buffers.reduce((size, buffer) => size + buffer.size, 0) > maxMessage)
      return this.#refuse(message, `a message of more than ${maxMessage} bytes (maxMessage)`);
    this.#ports.send(this.id, message);
  }

  acceptClose(): void {
    this.partner = null;
    this.#close();
  }

  /** A fragment of a message has come. */
  fragment(frame: Frame): void {
    if (this.#closedThere) throw new ProtocolError(`a message on port ${this.id} after its CLOSE`);
    if (this.#inMessage === ((frame.flags & FIRST) !== 0)) throw new ProtocolError(`a fragment on port ${this.id} out of turn`);
    this.#inMessage = (frame.flags & LAST) === 0;
    const size = bodySize(frame);
    this.#size += size;
    this.#ports.unfinished(size);
    const { maxMessage } = this.#ports.limits;
    if (this.#size > maxMessage) throw new ProtocolError(`a message on port ${this.id} of more than ${maxMessage} bytes (maxMessage)`);
    for (const piece of frame.body) this.#keep(piece);
    if (this.#inMessage) return;
    const message = this.#ports.receive(this.#takeParts());
    if (this.partner === null) discard(message);
    else this.partner.accept(message);
  }

  /** What has come of the message under way, which is not kept any more. */
  #takeParts(): Bytes[] {
    const parts = this.#parts;
    this.#ports.unfinished(-this.#size);
    this.#parts = [];
    this.#size = 0;
    this.#small = 0;
    return parts;
  }

  #keep(piece: Bytes): void {
    this.#parts.push(piece);
    this.#small = piece.byteLength < SMALL_PIECE ? this.#small + 1 : 0;
    if (this.#small < MANY_PIECES) return;
    const pieces = this.#parts.splice(-MANY_PIECES);
    const size = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#parts.push(join(pieces, size));
    this.#small = 0;
  }

  /** The other side has closed the port. */
  remoteClose(): void {
    if (this.#closedThere) throw new ProtocolError(`port ${this.id} closed a second time`);
    this.#closedThere = true;
    // A message that the closing has cut off never ends.
    this.#takeParts();
    this.#leave();
    this.#close();
  }

  /** The link is over. */
  over(error: LinkError | undefined): void {
    this.#closedHere = true;
    this.#takeParts();
    this.#leave(error);
  }

  #leave(error?: LinkError): void {
    const { partner } = this;
    this.partner = null;
    partner?.acceptClose(error);
  }

  #close(): void {
    if (!this.#closedHere) {
      this.#closedHere = true;
      this.#ports.close(this.id);
    }
    if (this.#closedThere) this.#ports.done(this.id);
  }

  #refuse(message: Message, what: string): void {
    discard(message);
    this.#leave(new LinkError(`${what} cannot be sent`, { code: 'ERR_LIMIT' }));
    this.#close();
  }
}

function tooMany(most: number): LinkError {
  return new LinkError(`more than ${most} ports (maxPorts) are open on one link`, { code: 'ERR_LIMIT' });
}

/** What a message says of its meta's length; 0 where it is too short to say, which decoding finds out. */
function metaSizeOf(parts: readonly Bytes[]): number {
  let size = 0;
  let at = 0;
  for (const part of parts) {
    for (const byte of part) {
      size += byte * 2 ** (8 * at);
      if (++at === 4) return size;
    }
  }
  return 0;
}
