import { afterEach, describe, expect, test } from 'vitest';

import { connect, type CommFrontend, type KernelLike } from '../../src/connect.js';
import type { Carrier, Packet, ReceivedPacket } from '../../src/wire/carriers/base.js';
import { Acceptor, type Port } from '../../src/wire/index.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

class Signal<Args> {
  readonly slots = new Set<(sender: unknown, args: Args) => void>();
  connect(slot: (sender: unknown, args: Args) => void): boolean {
    return this.slots.size < this.slots.add(slot).size;
  }
  disconnect(slot: (sender: unknown, args: Args) => void): boolean {
    return this.slots.delete(slot);
  }
  emit(args: Args): void {
    for (const slot of [...this.slots]) slot(this, args);
  }
}

/** The kernel's end of a comm. */
class KernelEnd implements Carrier {
  readonly name = 'comm';
  readonly maxFrames = 64;
  readonly fragmentSize = 256 * 1024;
  readonly tellsClose = true;
  receive: (packet: ReceivedPacket) => void = () => undefined;
  closed: (error?: Error) => void = () => undefined;
  constructor(
    readonly reply: (packet: Packet) => void,
    readonly hangUp: () => void
  ) {}
  start(receive: (packet: ReceivedPacket) => void, closed: (error?: Error) => void): void {
    this.receive = receive;
    this.closed = closed;
  }
  send(packet: Packet): void {
    const copy = packet.map(buffer => buffer.slice());
    setTimeout(() => this.reply(copy));
  }
  close(): void {
    setTimeout(() => this.hangUp());
  }
}

function echoing(): Acceptor {
  const acceptor = new Acceptor({ ipfs: (_, port) => void (port.onmessage = event => port.postMessage(event.data)) });
  closers.push(() => acceptor.close());
  return acceptor;
}

function echo(port: Port, message: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    port.onmessage = event => resolve(event.data);
    port.onclose = event => reject(event.error ?? new Error('closed'));
    port.postMessage(message);
  });
}

/** A frontend of which only comms are known. */
function frontend(acceptor: Acceptor | null): CommFrontend & { comms: number } {
  return {
    comms: 0,
    createComm() {
      this.comms++;
      let end: KernelEnd | undefined;
      const comm = {
        onMsg: (_: never): void => undefined,
        onClose: (_: never): void => undefined,
        open: (_data?: never, _metadata?: never, buffers: ArrayBuffer[] = []) => {
          if (acceptor === null) return void setTimeout(() => comm.onClose({} as never));
          end = new KernelEnd(
            packet => comm.onMsg({ buffers: packet.map(({ buffer }) => new DataView(buffer)) } as never),
            () => comm.onClose({} as never)
          );
          acceptor.accept(end);
          end.receive(buffers);
        },
        send: (_data: never, _metadata?: never, buffers: ArrayBuffer[] = []) => end?.receive(buffers),
        close: () => end?.closed()
      };
      return comm;
    }
  };
}

/** A kernel connection with a control channel that behaves as JupyterLab's. */
class FakeKernel implements KernelLike {
  readonly id = 'id';
  readonly name = 'fake';
  readonly clientId = 'client';
  readonly username = 'user';
  status = 'idle';
  connectionStatus = 'connected';
  isDisposed = false;
  readonly handleComms = false;
  readonly statusChanged = new Signal<unknown>();
  readonly disposed = new Signal<unknown>();
  readonly anyMessage = new Signal<unknown>();
  readonly connectionStatusChanged = new Signal<unknown>();
  /** What was sent while the connection was down. */
  readonly pending: unknown[] = [];
  readonly types: string[] = [];
  readonly #ends = new Map<string, KernelEnd>();

  constructor(readonly acceptor: Acceptor) {}

  createComm(): never {
    throw new Error('Comms are disabled on this kernel connection');
  }

  sendControlMessage(message: never): { dispose(): void } {
    const { header, content, buffers } = message as { header: { msg_type: string }; content: { comm_id: string }; buffers: ArrayBuffer[] };
    if (this.connectionStatus !== 'connected') this.pending.push(message);
    else {
      this.types.push(header.msg_type);
      const id = content.comm_id;
      let end = this.#ends.get(id);
      if (end === undefined) {
        end = new KernelEnd(
          packet => this.#reply(id, 'comm_msg', packet),
          () => this.#reply(id, 'comm_close', [])
        );
        this.#ends.set(id, end);
        this.acceptor.accept(end);
      }
      if (header.msg_type === 'comm_close') end.closed();
      else end.receive(buffers);
    }
    return { dispose: () => undefined };
  }

  connection(status: string): void {
    this.connectionStatus = status;
    this.connectionStatusChanged.emit(status);
  }

  become(status: string): void {
    this.status = status;
    this.statusChanged.emit(status);
  }

  #reply(id: string, type: string, packet: Packet): void {
    if (this.connectionStatus !== 'connected') return;
    const msg = { channel: 'control', header: { msg_type: type }, content: { comm_id: id }, buffers: packet };
    this.anyMessage.emit({ msg, direction: 'recv' });
  }
}

describe('a frontend that has only comms', () => {
  test('is enough', async () => {
    const only = frontend(echoing());
    const port = await connect(only);
    const bytes = (await echo(port, new Uint8Array(2_000_000).fill(7))) as Uint8Array;
    expect([bytes.byteLength, bytes[1_999_999]]).toEqual([2_000_000, 7]);
    expect(only.comms).toBe(1);
    port.close();
  });

  test('whose kernel has no such target is told what to run, at once', async () => {
    const begun = performance.now();
    await expect(connect(frontend(null))).rejects.toMatchObject({
      code: 'ERR_CARRIER',
      message: expect.stringMatching(/%load_ext ipfs_comm.*%pip install ipfs-comm/)
    });
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe('a connection to the server that is cut', () => {
  test('is survived by the port, and nothing piles up meanwhile', async () => {
    const kernel = new FakeKernel(echoing());
    const port = await connect(kernel);
    expect(await echo(port, 'before')).toBe('before');
    kernel.connection('connecting');
    const answer = echo(port, new Uint8Array(3_000_000));
    await new Promise(resolve => setTimeout(resolve, 400));
    expect(kernel.pending).toEqual([]);
    kernel.connection('connected');
    expect(await answer).toHaveLength(3_000_000);
    // The comm of before is closed when the other has taken over.
    expect(kernel.types.filter(type => type !== 'comm_msg')).toEqual(['comm_open', 'comm_open', 'comm_close']);
    port.close();
  });

  test('before the kernel has answered only puts the opening off', async () => {
    const kernel = new FakeKernel(echoing());
    kernel.connection('connecting');
    const opening = connect(kernel);
    await new Promise(resolve => setTimeout(resolve, 50));
    kernel.connection('connected');
    const port = await opening;
    expect(await echo(port, 1)).toBe(1);
    port.close();
  });

  test.each(['restarting', 'dead'])('is not what a kernel means that is %s: the port closes at once', async status => {
    const kernel = new FakeKernel(echoing());
    const port = await connect(kernel);
    const closed = new Promise<Error | undefined>(resolve => {
      port.onclose = event => resolve(event.error);
      port.start();
    });
    kernel.become(status);
    expect(await closed).toMatchObject({ code: 'ERR_CARRIER', message: expect.stringContaining('%load_ext ipfs_comm') });
  });
});
