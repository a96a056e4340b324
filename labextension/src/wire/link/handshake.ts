/** HELLO, WELCOME and REFUSE: what two ends agree on before anything else (`docs/protocol.md`, section 2). */

import { linkErrorOf, type LinkError, ProtocolError, VersionError } from '../../errors.js';
import { type Frame, type Hello, jsonBody, VERSIONS, type Welcome } from '../frame.js';

export const AGENT = 'ipfs-comm/0.1.0';
const MAX_WINDOW = 2 ** 32 - 1;
const LINK_NAME = /^[A-Za-z0-9_-]{22}$/;

/** So many random bytes. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A random name of 128 bits. */
export function linkName(): string {
  return btoa(String.fromCharCode(...randomBytes(16)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** What the opener says. */
export function parseHello(frame: Frame): Hello {
  const body = jsonBody(frame);
  const { versions, link, carriers, service, params, agent, resume = false } = body;
  if (!isListOf(versions, Number.isInteger) || versions.length === 0) throw new ProtocolError('a HELLO without versions');
  if (typeof link !== 'string' || !LINK_NAME.test(link)) throw new ProtocolError('a HELLO without the name of a link');
  if (!isListOf(carriers, isText)) throw new ProtocolError('a HELLO without carriers');
  if (!isText(service) || !isText(agent)) throw new ProtocolError('a HELLO without service or agent');
  if (typeof resume !== 'boolean') throw new ProtocolError('a HELLO whose resume is no boolean');
  if (params === null || typeof params !== 'object' || Array.isArray(params)) throw new ProtocolError('a HELLO without params');
  return {
    versions: versions as number[],
    link,
    carriers: carriers as string[],
    service,
    params: params as Record<string, unknown>,
    agent,
    window: windowOf(body),
    ...(resume && { resume })
  };
}

/** What the acceptor says when it accepts. */
export function parseWelcome(frame: Frame, link: string): Welcome {
  const body = jsonBody(frame);
  const { version, carrier, agent } = body;
  if (body['link'] !== link) throw new ProtocolError('a WELCOME for another link');
  if (typeof version !== 'number' || !VERSIONS.includes(version)) throw new ProtocolError(`a WELCOME for version ${String(version)}`);
  if (!isText(carrier) || !isText(agent)) throw new ProtocolError('a WELCOME without carrier or agent');
  return { version, link, carrier, agent, window: windowOf(body) };
}

/** What the acceptor says when it does not. */
export function parseRefuse(frame: Frame): LinkError {
  const { code, message } = jsonBody(frame);
  return linkErrorOf(isText(code) ? code : 'ERR_PROTOCOL', isText(message) ? message : 'the other end refused the link');
}

/** Why the versions of an opener do not do. */
export function refuseVersions(versions: readonly number[], agent: string): LinkError {
  const mine = Math.max(...VERSIONS);
  const theirs = Math.max(...versions);
  const older = theirs > mine ? `this end (${AGENT}) is the older one` : `the other end (${agent}) is the older one`;
  return new VersionError(
    `this end speaks version ${VERSIONS.join(', ')} of the wire, the other ${versions.join(', ')}: ${older}; upgrade it with "pip install --upgrade ipfs-comm" (for a page: on the server, then reload it)`
  );
}

function windowOf(body: Record<string, unknown>): number {
  const { window } = body;
  if (typeof window !== 'number' || !Number.isInteger(window) || window < 1 || window > MAX_WINDOW)
    throw new ProtocolError('a window out of range');
  return window;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isListOf(value: unknown, test: (item: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(test);
}
