/** The waiting side: accepts links over carriers and hands each to the service it asks for. */

import { LinkError, ProtocolError } from '../../errors.js';
import type { Carrier, ReceivedPacket } from '../carriers/base.js';
import { decodePacket, encodePacket, FrameType, jsonFrame, MIN_TOKEN, type Refuse, VERSIONS } from '../frame.js';
import type { Port } from '../port/port.js';
import { AGENT, DEFAULT_WINDOW, parseHello, refuseVersions } from './handshake.js';
import { Link } from './link.js';

/** Serves the main port of a link. */
export type Service = (link: Link, port: Port, params: Readonly<Record<string, unknown>>) => void;

/** Milliseconds that a carrier may be silent before its HELLO. */
const HELLO_TIMEOUT = 30_000;
const DEFAULT_MAX_LINKS = 64;

export class Acceptor {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #maxLinks: number;
  readonly #links = new Set<Link>();
  readonly #waiting = new Set<Carrier>();

  /**
   * @param services - by the name that openers ask for.
   * @param options - `maxLinks`: how many links may be open at a time.
   */
  constructor(services: Readonly<Record<string, Service>>, options: { readonly maxLinks?: number } = {}) {
    this.#services = new Map(Object.entries(services));
    this.#maxLinks = options.maxLinks ?? DEFAULT_MAX_LINKS;
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
    }, HELLO_TIMEOUT);
    (timer as { unref?(): void }).unref?.();
    this.#waiting.add(carrier);
    carrier.start(
      packet => {
        if (link !== undefined) return link.receive(packet);
        if (!this.#waiting.has(carrier)) return;
        stopWaiting();
        link = this.#answer(carrier, packet);
      },
      error => {
        stopWaiting();
        link?.carrierClosed(error);
      }
    );
  }

  /** End all links. */
  close(): void {
    for (const carrier of this.#waiting) carrier.close();
    this.#waiting.clear();
    for (const link of this.#links) link.end();
  }

  #answer(carrier: Carrier, packet: ReceivedPacket): Link | undefined {
    const refuse = (refusal: Refuse): undefined => {
      carrier.send(encodePacket(new Uint8Array(0), [jsonFrame(FrameType.REFUSE, refusal)]));
      carrier.close();
      return undefined;
    };
    try {
      const { token, frames } = decodePacket(packet);
      const [frame] = frames;
      if (frame === undefined || frames.length > 1 || frame.type !== FrameType.HELLO)
        throw new ProtocolError('a link that does not begin with HELLO');
      if (token.byteLength < MIN_TOKEN) throw new ProtocolError('a HELLO without a token');
      const hello = parseHello(frame);
      const version = Math.max(...hello.versions.filter(offered => VERSIONS.includes(offered)));
      if (version === -Infinity) return refuse(refuseVersions(hello.versions, hello.agent));
      const service = this.#services.get(hello.service);
      if (service === undefined)
        return refuse({ code: 'ERR_SERVICE', message: `this end has no service ${JSON.stringify(hello.service)}`, versions: VERSIONS });
      if (this.#links.size >= this.#maxLinks) {
        return refuse({ code: 'ERR_LIMIT', message: `this end has ${this.#maxLinks} links open, which is its limit`, versions: VERSIONS });
      }
      const welcome = { version, link: hello.link, carrier: carrier.name, agent: AGENT, window: DEFAULT_WINDOW };
      const link = Link.accepted(carrier, { hello, welcome, token: token.slice() });
      this.#links.add(link);
      void link.ended.then(() => this.#links.delete(link));
      service(link, link.port, hello.params);
      return link;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return refuse({ code: error.code, message: error.message, versions: VERSIONS });
    }
  }
}
