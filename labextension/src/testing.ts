/** Two ends without Jupyter: in one process, or in a process and its child. */

import { LinkError } from './errors.js';
import { intercept } from './rpc/interceptor.js';
import { type Faults, memoryRoad } from './wire/carriers/memory.js';
import { StdioCarrier } from './wire/carriers/stdio.js';
import { Acceptor } from './wire/link/acceptor.js';
import type { Limits } from './wire/limits.js';
import { Link } from './wire/link/link.js';
import { Port, unseat } from './wire/port/port.js';
import { entangle, join, Seat } from './wire/port/seat.js';

export type { Faults };
export { Port };

/** How long the ends of a channel may take to find each other under faults, ms. */
const CHANNEL_TIMEOUT = 60_000;

/** What the link of a channel may be made with. */
export interface ChannelOptions {
  /** Limits of both ends that are not the default ones. */
  readonly limits?: Partial<Limits>;
}

/**
 * Two entangled ports in this process, with real clone, frames and link between them.
 *
 * @param faults - what the carrier between them does to packets. One that is cut is lost at both ends, and the link goes on over another.
 */
export function createChannel(faults: Faults = {}, { limits = {} }: ChannelOptions = {}): { readonly port1: Port; readonly port2: Port } {
  const [first, second] = [pending(), pending()];
  const acceptor = new Acceptor({ channel: (_, port) => first.settle(port) }, limits);
  const road = memoryRoad(faults, carrier => acceptor.accept(carrier));
  Link.open([road], { service: 'channel', timeout: limits.openTimeout ?? CHANNEL_TIMEOUT, limits }).then(
    link => second.settle(link.port),
    (reason: unknown) => {
      first.fail(reason as Error);
      second.fail(reason as Error);
    }
  );
  return { port1: second.port, port2: first.port };
}

/** A port that may be used before what it stands on is there. */
function pending(): { readonly port: Port; settle(port: Port): void; fail(error: Error): void } {
  const [outer, inner] = [new Seat(), new Seat()];
  entangle(outer, inner);
  return {
    port: new Port(outer),
    settle: port => {
      const seat = unseat(port);
      if (seat !== null) join(inner, seat);
    },
    fail: error => inner.partner?.acceptClose(error)
  };
}

/** A program that serves one link on its standard input and output. */
export interface ProcessOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** Its environment and folder; this process's where not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Service wanted on the port, and its parameters. */
  readonly service?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Milliseconds that the program may take to answer. */
  readonly timeout?: number;
}

/** Characters of the program's standard error that are kept to explain its end. */
const KEPT_ERROR_OUTPUT = 4096;
/** How long the program may take to end when the link is over, ms. */
const EXIT_TIMEOUT = 5_000;

/**
 * Start a program and open a link to it (Node only). The program ends with the link, which ends with its last port.
 *
 * @returns the main port.
 * @throws LinkError with what the program wrote to its standard error if it does not answer.
 */
export async function connectProcess(options: ProcessOptions): Promise<Port> {
  const { spawn } = await import('node:child_process');
  const { command, args = [], env, cwd, service = 'ipfs', params = {}, timeout = 30_000 } = options;
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(env && { env: { ...env } }),
    ...(cwd !== undefined && { cwd })
  });
  let written = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written = (written + text).slice(-KEPT_ERROR_OUTPUT)));
  const carrier = new StdioCarrier(child.stdout, child.stdin, { owner: true });
  const told = (what: string): LinkError =>
    new LinkError(`${command} ${args.join(' ')}: ${what}${written && `; its last words:\n${written}`}`);
  child.on('error', error => carrier.fail(told(error.message)));
  child.on('close', (code, signal) => carrier.fail(told(`ended with ${signal ?? `status ${code}`}`)));
  let link: Link;
  try {
    link = await Link.open(carrier, { service, params, timeout });
  } catch (error) {
    child.kill();
    if (error instanceof LinkError && error.code === 'ERR_TIMEOUT') throw told(error.message);
    throw error;
  }
  void link.ended.then(() => {
    const killing = setTimeout(() => child.kill('SIGKILL'), EXIT_TIMEOUT);
    killing.unref();
    child.once('close', () => clearTimeout(killing));
  });
  return intercept(link.port);
}
