/** The waiting side: accepts links over carriers and hands each to the service it asks for. */

import { LinkError, ProtocolError } from '../../errors.js';
import type { Carrier, ReceivedPacket } from '../carriers/base.js';
import {
  decodePacket,
  encodePacket,
  type End,
  type Frame,
  FrameType,
  type Hello,
  jsonFrame,
  MIN_TOKEN,
  type Refuse,
  tokenOf,
  VERSIONS
} from '../frame.js';
import { type Limits, limitsOf } from '../limits.js';
import type { Port } from '../port/port.js';
import { AGENT, parseHello, refuseVersions } from './handshake.js';
import { Link } from './link.js';

/** Serves the main port of a link. */
export type Service = (link: Link, port: Port, params: Readonly<Record<string, unknown>>) => void;

/** Links that are over and still remembered, so that what comes late is told. */
const MAX_REMEMBERED = 256;

export class Acceptor {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #limits: Limits;
  readonly #links = new Map<string, Link>();
  readonly #waiting = new Set<Carrier>();
  /** Why links ended, by their tokens. */
  readonly #remembered = new Map<string, End>();

  /**
   * @param services - by the name that openers ask for.
   * @param limits - those that are not the default ones.
   * @throws InvalidInputError for a limit out of range.
   */
  constructor(services: Readonly<Record<string, Service>>, limits: Partial<Limits> = {}) {
    this.#services = new Map(Object.entries(services));
    this.#limits = limitsOf(limits);
  }

  /** Wait for a HELLO on the carrier, which this call starts. */
  accept(carrier: Carrier): void {
    let link: Link | undefined;
    const stopWaiting = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(carrier);
    };
    const timer = setTimeout(() => {
      stopWaiting();
      carrier.close();
    }, this.#limits.helloWithin);
    (timer as { unref?(): void }).unref?.();
    this.#waiting.add(carrier);
    carrier.start(
      packet => {
        if (link !== undefined) return link.receive(packet, carrier);
        if (!this.#waiting.has(carrier)) return;
        link = this.#answer(carrier, packet);
        if (link !== undefined) stopWaiting();
      },
      error => {
        stopWaiting();
        link?.carrierClosed(carrier, error);
      }
    );
  }

  /** End all links. */
  close(): void {
    for (const carrier of this.#waiting) carrier.close();
    this.#waiting.clear();
    for (const link of this.#links.values()) link.end();
  }

  /** Answer the first packet of a carrier. */
  #answer(carrier: Carrier, packet: ReceivedPacket): Link | undefined {
    const leave = (frame: Frame): undefined => {
      this.#waiting.delete(carrier);
      carrier.send(encodePacket(new Uint8Array(0), [frame]));
      carrier.close();
      return undefined;
    };
    const over = this.#remembered.get(nameOf(tokenOf(packet)));
    if (over !== undefined) return leave(jsonFrame(FrameType.END, over));
    try {
      const { token, frames } = decodePacket(packet);
      const [frame] = frames;
      if (frame === undefined || frames.length > 1 || frame.type !== FrameType.HELLO)
        throw new ProtocolError('a link that does not begin with HELLO');
      if (token.byteLength < MIN_TOKEN) throw new ProtocolError('a HELLO without a token');
      const hello = parseHello(frame);
      const link = this.#links.get(hello.link) ?? this.#admit(hello, token);
      if (!link.knows(token)) throw new LinkError('a link of this name is open for somebody else', { code: 'ERR_DENIED' });
      link.attach(carrier);
      return link;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return leave(jsonFrame(FrameType.REFUSE, refusal(error)));
    }
  }

  /** Open a new link, if it can be. */
  #admit(hello: Hello, token: Uint8Array): Link {
    const { maxLinks, resumeWithin } = this.#limits;
    if (hello.resume === true) {
      throw new LinkError(
        `this link is not known here: the kernel was restarted, or it was away for more than ${resumeWithin / 1000} s (resumeWithin)`,
        { code: 'ERR_GONE' }
      );
    }
    const version = Math.max(...hello.versions.filter(offered => VERSIONS.includes(offered)));
    if (version === -Infinity) throw refuseVersions(hello.versions, hello.agent);
    const service = this.#services.get(hello.service);
    if (service === undefined) throw new LinkError(`this end has no service ${JSON.stringify(hello.service)}`, { code: 'ERR_SERVICE' });
    if (this.#links.size >= maxLinks)
      throw new LinkError(`this end has ${maxLinks} links open, which is its limit (maxLinks)`, { code: 'ERR_LIMIT' });
    const welcome = { version, link: hello.link, agent: AGENT, window: this.#limits.window };
    const link = Link.accepted({ hello, welcome, token: token.slice(), limits: this.#limits });
    this.#links.set(hello.link, link);
    const name = nameOf(token);
    void link.ended.then(({ code, message }) => {
      this.#links.delete(hello.link);
      this.#remembered.set(name, { code, message });
      for (const oldest of this.#remembered.keys()) {
        if (this.#remembered.size <= MAX_REMEMBERED) break;
        this.#remembered.delete(oldest);
      }
    });
    service(link, link.port, hello.params);
    return link;
  }
}

function refusal({ code, message }: LinkError): Refuse {
  return { code, message, versions: VERSIONS };
}

/** A token as the name of what is remembered by it. */
function nameOf(token: Uint8Array | null): string {
  return token === null ? '' : String.fromCharCode(...token);
}
