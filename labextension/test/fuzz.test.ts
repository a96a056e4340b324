/**
 * Hostile packets and messages, made of the shared fixtures by a seeded mutator: nothing but typed errors, no hang, no growth.
 *
 * `IPFS_COMM_FUZZ` is how many cases are tried (20,000 where it is not set), `IPFS_COMM_FUZZ_SEED` which ones.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

import { LinkError, ProtocolError } from '../src/errors.js';
import type { Bytes } from '../src/wire/bytes.js';
import type { Carrier, Packet, ReceivedPacket } from '../src/wire/carriers/base.js';
import { deserialize, serialize } from '../src/wire/clone/index.js';
import {
  ackBody,
  ackFrame,
  decodePacket,
  encodePacket,
  endBody,
  FIRST,
  type Frame,
  FrameType,
  type Hello,
  jsonBody,
  jsonFrame,
  LAST,
  pingFrame
} from '../src/wire/frame.js';
import { Acceptor, type Link, type Port } from '../src/wire/index.js';
import { decodeMessage } from '../src/wire/message.js';
import { bytesOfHex, wireFixtures } from './support.js';

const CASES = Number(process.env['IPFS_COMM_FUZZ'] ?? 20_000);
const SEED = Number(process.env['IPFS_COMM_FUZZ_SEED'] ?? 1);
/** Milliseconds of the processor that one case may take. */
const DEADLINE = 2_000;
/** So many cases go to one link, if it lives so long. */
const CASES_PER_LINK = 200;
/** Bytes by which the heap may be larger after all cases than after the first. */
const GROWTH = 48 * 1024 * 1024;
const PROGRESS = 50_000;

const token = Uint8Array.from({ length: 32 }, (_, i) => i);
const integers = [0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53];
const bytes = [0, 1, 2, 4, 8, 0x22, 0x2c, 0x5b, 0x5d, 0x7f, 0x80, 0xc9, 0xff];
/** Slots and entries as JSON, right and wrong ones. */
const slots = [
  ...['null', 'true', '0', '-1', '1', '2', '255', '4294967295', '4294967296', '1e40', '1e308', '1e999', '-0', '0.5', '""', '"a"', '"0"'],
  ...[
    '"4294967295"',
    '"__proto__"',
    '"length"',
    '"message"',
    '"stack"',
    '"cause"',
    '"Error"',
    '"Uint8Array"',
    '"\\ud800"',
    '{}',
    '{"a":1}'
  ],
  ...['[]', '[0]', '[1]', '[2]', '[-1]', '[0.5]', '[1e9]', '["length"]', '[[0]]', '["n","NaN"]', '["n","-0"]', '["n","x"]', '["b","ff"]'],
  ...['["b","-0"]', '["b","0x1"]', `["b","${'f'.repeat(5_000)}"]`, '["o"]', '["a"]', '["A",3]', '["A",4294967295]', '["m"]', '["s"]'],
  ...['["x",0]', '["x",0,9]', '["x",0,1e15]', '["p",0]', '["d",0]', '["w",[0]]', '["r","(","gg"]', '["r","(a+)+$",""]', '["D","a","b"]'],
  ...['["v","Uint8Array",[0],0,1]', '["v","Int32Array",[0],1,null]', '["v","DataView",[0],0,0]', '["e","Error",[]]', '["l",[0]]'],
  ...['["B","",4,0]', '["F","",9007199254740992,1,"n",0.5]', '["i",[0],1,1,"srgb"]']
];

interface Case {
  readonly meta: string;
  readonly buffers: readonly string[];
}

type Tree = unknown[];

/** Makes hostile things of good ones, the same for the same seed. */
class Mutator {
  readonly #packets = wireFixtures<{ packet: string[] }>('frames.json')
    .map(({ packet }) => packet.map(bytesOfHex))
    .filter(packet => packet.length > 0);
  readonly #messages = wireFixtures<Case>('messages.json').map(({ meta, buffers }) => ({ meta, buffers: buffers.map(bytesOfHex) }));
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number below 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  /** The bytes with a few places changed. */
  bytes(source: Uint8Array): Bytes {
    let data = [...source];
    for (let left = this.one([1, 1, 1, 2, 4, 8]); left > 0; left--) data = this.#changed(data);
    return Uint8Array.from(data);
  }

  #changed(data: number[]): number[] {
    const at = this.below(data.length + 1);
    const put = (gone: number, ...more: number[]): number[] => [...data.slice(0, at), ...more, ...data.slice(at + gone)];
    switch (this.below(7)) {
      case 0:
        return put(1, (data[at] ?? 0) ^ (1 << this.below(8)));
      case 1:
        return put(1, this.one(bytes));
      case 2: {
        const size = this.one([1, 2, 4, 8]);
        const field = new DataView(new ArrayBuffer(8));
        field.setBigUint64(0, BigInt(this.one(integers)), true);
        return put(size, ...new Uint8Array(field.buffer, 0, size));
      }
      case 3:
        return put(this.one([1, 2, 4, 20, 100_000]));
      case 4: {
        const from = this.below(data.length + 1);
        return put(0, ...data.slice(from, from + this.one([1, 4, 20, 200])));
      }
      case 5:
        return put(0, ...Array.from({ length: this.one([1, 2, 4, 20]) }, () => this.below(256)));
      default:
        return put(0, ...new Array<number>(this.one([1, 16, 3_000])).fill(this.one(bytes)));
    }
  }

  /** A packet of which any buffer may be changed, missing or there twice. */
  packet(): Bytes[] {
    const packet = [...this.one(this.#packets)];
    const at = this.below(packet.length);
    packet[at] = this.bytes(packet[at] as Bytes);
    switch (this.below(6)) {
      case 0:
        packet.splice(this.below(packet.length), 1);
        break;
      case 1:
        packet.splice(this.below(packet.length + 1), 0, new Uint8Array(this.below(30)));
        break;
      case 2:
        return Array.from({ length: this.one([2, Math.ceil(1_100 / packet.length)]) }, () => packet).flat();
    }
    return packet;
  }

  /** The byte stream of a message that is wrong somewhere, or nearly, or not at all. */
  message(): Bytes {
    const { meta, buffers } = this.one(this.#messages);
    const kind = this.random();
    let text: Uint8Array = new TextEncoder().encode(meta);
    if (kind < 0.3) text = this.bytes(text);
    else if (kind < 0.75) {
      try {
        let tree: unknown = JSON.parse(meta);
        for (let left = this.one([1, 1, 2, 4]); left > 0; left--) tree = this.#tree(tree);
        text = new TextEncoder().encode(JSON.stringify(tree));
      } catch {
        // The fixture's meta is no JSON, which is hostile enough.
      }
    }
    const sizes = Buffer.alloc(4);
    sizes.writeUInt32LE(text.byteLength);
    return Uint8Array.from(Buffer.concat([sizes, text, ...buffers, ...(this.random() < 0.05 ? buffers.slice(0, 1) : [])]));
  }

  #tree(root: unknown): unknown {
    if (!Array.isArray(root) || root.length === 0) return this.#slot();
    let at: Tree = root;
    for (;;) {
      const index = this.below(at.length);
      const inner = at[index];
      if (Array.isArray(inner) && inner.length > 0 && this.random() < 0.8) {
        at = inner;
        continue;
      }
      const choice = this.below(6);
      if (choice < 3) at[index] = this.#slot();
      else if (choice === 3) at.splice(index, 1);
      else if (choice === 4) at.splice(index, 0, structuredClone(this.one(at)));
      else at.splice(index, 1, ...Array.from({ length: this.one([1, 2, 300]) }, () => this.#slot()));
      return root;
    }
  }

  #slot(): unknown {
    return JSON.parse(this.one(slots));
  }
}

/** Gives a link what it is told to, and keeps only the last of what the link says. */
class FuzzCarrier implements Carrier {
  readonly name = 'memory';
  readonly maxFrames = 64;
  readonly fragmentSize = 65_536;
  readonly tellsClose = true;
  receive: (packet: ReceivedPacket) => void = () => undefined;
  sent = 0;

  start(receive: (packet: ReceivedPacket) => void): void {
    this.receive = receive;
  }

  send(packet: Packet): void {
    for (const frame of decodePacket(packet).frames) this.sent = Math.max(this.sent, frame.seq);
  }

  close(): void {
    this.receive = () => undefined;
  }
}

/** Feeds hostile cases to the decoders and to a link, and looks at what comes of it. */
class Fuzzer {
  accepted = 0;
  links = 0;
  delivered = 0;
  slowest = 0;
  readonly #mutator: Mutator;
  #acceptor: Acceptor | undefined;
  #carrier = new FuzzCarrier();
  #link: Link | undefined;
  #error: LinkError | undefined;
  #left = 0;
  #seq = 0;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  async run(count: number, progress: (number: number) => void = () => undefined): Promise<void> {
    for (let number = 0; number < count; number++) {
      const before = busy();
      if (number % 4 === 0) this.#parse();
      else if (number % 4 < 3) this.#message();
      else {
        this.#feed();
        await new Promise(setImmediate);
      }
      const took = busy() - before;
      this.slowest = Math.max(this.slowest, took);
      if (took > DEADLINE) throw new Error(`case ${number} took ${took.toFixed(0)} ms`);
      if ((number + 1) % PROGRESS === 0) progress(number + 1);
    }
    this.#hangUp();
    await new Promise(setImmediate);
  }

  /** A packet: either a ProtocolError, or frames that can be read. */
  #parse(): void {
    const packet = this.#mutator.packet();
    try {
      for (const frame of decodePacket(packet).frames) {
        if (frame.type === FrameType.ACK) ackBody(frame);
        else if (frame.type === FrameType.END) endBody(frame);
        else if (frame.type <= FrameType.REFUSE) jsonBody(frame);
      }
      this.accepted++;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** A message: either a ProtocolError or an object that this runtime lacks, or a value that can be sent on. */
  #message(): void {
    const data = this.#mutator.message();
    const cut = this.#mutator.below(data.byteLength + 1);
    let value: unknown;
    const ports: object[] = [];
    try {
      const message = decodeMessage([data.subarray(0, cut), data.subarray(cut)]);
      ({ value } = deserialize(message, {
        port: index => {
          if (index >= message.ports.length - message.blobs.length) throw new ProtocolError(`no port ${index}`);
          ports.push({ index });
          return ports.at(-1) as object;
        },
        blob: index => {
          if (!message.blobs.some(blob => blob.index === index)) throw new ProtocolError(`no Blob ${index}`);
          return new Blob([]);
        }
      }));
    } catch (error) {
      if (error instanceof ProtocolError || (error instanceof DOMException && error.name === 'DataCloneError')) return;
      throw error;
    }
    this.accepted++;
    serialize(value, ports, { refuse: () => null, detached: () => false, take: port => port });
  }

  /** Packets of one who knows the token: the link lives, or ends with a typed error; nothing is thrown. */
  #feed(): void {
    if (this.#link === undefined || this.#error !== undefined || this.#left === 0) {
      this.#hangUp();
      this.#dial();
    }
    this.#left--;
    const packet: Bytes[] = encodePacket(token, this.#frames());
    if (this.#mutator.random() < 0.3) {
      const at = this.#mutator.below(packet.length);
      packet[at] = this.#mutator.bytes(packet[at] as Bytes);
    }
    this.#carrier.receive(packet);
    if (this.#error === undefined) this.accepted++;
    else if (!(this.#error instanceof LinkError)) throw new Error('a link ended without a LinkError', { cause: this.#error });
  }

  #frames(): Frame[] {
    const mutator = this.#mutator;
    const frames: Frame[] = [];
    for (let left = mutator.one([1, 1, 2, 5]); left > 0; left--) {
      const kind = mutator.below(20);
      const port = mutator.one([0, 0, 0, 2, 4, 6, 1, 3, mutator.below(2 ** 32)]);
      if (kind < 12) frames.push(...this.#data(port));
      else if (kind < 14)
        frames.push({
          type: FrameType.CLOSE,
          flags: 0,
          seq: ++this.#seq,
          port: port === 0 ? mutator.one([0, 2, 2, 4, 4]) : port,
          body: []
        });
      else if (kind < 17) frames.push(this.#ack());
      else if (kind < 19) frames.push(pingFrame(mutator.one([this.#seq, mutator.below(2 ** 53)])));
      else
        frames.push(
          mutator.one([
            jsonFrame(FrameType.END, { code: 'ERR_X', message: 'x' }),
            jsonFrame(FrameType.WELCOME, {} as Hello),
            jsonFrame(FrameType.HELLO, {} as Hello),
            pingFrame(0),
            { type: FrameType.CLOSE, flags: 0, seq: 2 ** 53 - 1, port: 0, body: [] }
          ])
        );
    }
    return frames;
  }

  #data(port: number): Frame[] {
    const mutator = this.#mutator;
    const data = mutator.message();
    const step = mutator.one([data.byteLength, data.byteLength, 1 + (data.byteLength >> 1)]);
    const frames: Frame[] = [];
    for (let start = 0; start < data.byteLength; start += step) {
      let flags = (start === 0 ? FIRST : 0) | (start + step >= data.byteLength ? LAST : 0);
      if (mutator.random() < 0.02) flags = mutator.below(4);
      this.#seq += mutator.random() < 0.02 ? mutator.one([0, 2, 5]) : 1;
      frames.push({ type: FrameType.DATA, flags, seq: Math.max(1, this.#seq), port, body: [data.slice(start, start + step)] });
    }
    return frames;
  }

  #ack(): Frame {
    const mutator = this.#mutator;
    const { sent } = this.#carrier;
    if (mutator.random() < 0.8) {
      return ackFrame({ cumulative: mutator.below(sent + 1), window: mutator.one([0, 1, 65_536, 2 ** 32 - 1]), missing: [] }, this.#seq);
    }
    const low = 1 + mutator.below(sent + 4);
    return ackFrame(
      { cumulative: low - 1, window: mutator.one(integers) % 2 ** 32, missing: [[low + 1, low + 1 + mutator.below(8)]] },
      mutator.one(integers.slice(0, -1))
    );
  }

  #dial(): void {
    this.links++;
    this.#left = CASES_PER_LINK;
    this.#seq = 0;
    this.#error = undefined;
    this.#carrier = new FuzzCarrier();
    this.#acceptor = new Acceptor({
      fuzz: (link, port) => {
        this.#link = link;
        link.onend = error => {
          if (this.#link === link) this.#error = error;
        };
        port.onmessage = event => this.#heard(port, event as MessageEvent<unknown>);
      }
    });
    this.#acceptor.accept(this.#carrier);
    const hello = {
      versions: [1],
      link: 'AAECAwQFBgcICQoLDA0ODw',
      carriers: ['memory'],
      service: 'fuzz',
      params: {},
      agent: 'fuzz',
      window: 2 ** 20
    };
    this.#carrier.receive(encodePacket(token, [jsonFrame(FrameType.HELLO, hello)]));
    if (this.#link === undefined) throw new Error('no link was opened');
  }

  #hangUp(): void {
    this.#link = undefined;
    this.#acceptor?.close();
    this.#acceptor = undefined;
  }

  #heard(port: Port, event: MessageEvent<unknown>): void {
    this.delivered++;
    const ports = event.ports as unknown as readonly Port[];
    for (const received of ports) {
      if (this.#mutator.random() < 0.3) received.onmessage = more => this.#heard(received, more as MessageEvent<unknown>);
    }
    const transfer = ports.filter(() => this.#mutator.random() < 0.3);
    try {
      port.postMessage(event.data, transfer);
    } catch (error) {
      // A port of the message that is not sent back with it.
      if (!(error instanceof DOMException)) throw error;
      port.postMessage(null);
    }
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Milliseconds that the processor has worked for this process. */
function busy(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function heap(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test(
  `${CASES} hostile cases throw nothing but typed errors, hang nowhere and leave nothing behind`,
  async () => {
    await new Fuzzer(SEED + 1_000).run(4_000);
    const before = heap();
    const began = performance.now();
    const fuzzer = new Fuzzer(SEED);
    await fuzzer.run(CASES, number => {
      const { links, accepted, slowest } = fuzzer;
      process.stderr.write(
        `${number} hostile cases in ${((performance.now() - began) / 1000).toFixed(0)} s, ${links} links, ${accepted} accepted, ` +
          `slowest ${slowest.toFixed(0)} ms, heap ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)} MiB\n`
      );
    });
    // A mutator that gets nowhere, or breaks nothing, tests nothing.
    expect(fuzzer.accepted).toBeGreaterThan(CASES / 20);
    expect(fuzzer.accepted).toBeLessThan(CASES * 0.95);
    expect(fuzzer.links).toBeGreaterThan(CASES / 400);
    expect(fuzzer.delivered).toBeGreaterThan(CASES / 400);
    expect(heap() - before).toBeLessThan(GROWTH);
  },
  60_000 + CASES * 6
);
