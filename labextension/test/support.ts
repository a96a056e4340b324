/** Where test data is, and how what does not hold yet is told. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '..');
export const repository = join(root, '..');

/** The folder of conformance fixtures. */
export const fixtures = process.env['IPFS_COMM_FIXTURES'] ?? join(root, '../../shared/fixtures');
export const haveFixtures = existsSync(fixtures);

/** The interpreter that has the Python package. */
export const python = process.env['IPFS_COMM_PYTHON'] ?? join(repository, '.venv/bin/python');

/** Import a runner of the conformance fixtures. */
export async function runner<T>(name: string): Promise<T> {
  return (await import(/* @vite-ignore */ pathToFileURL(join(fixtures, 'tools', name)).href)) as T;
}

/** A case of the conformance fixtures. */
export interface Case {
  readonly id: string;
  readonly level: string;
}

/** Cases of a file of the conformance fixtures. */
export function casesOf(file: string): readonly Case[] {
  return (JSON.parse(readFileSync(join(fixtures, file), 'utf8')) as { cases: Case[] }).cases;
}

/** A file of fixtures that both languages' tests of the wire read. */
export function wireFixtures<T>(name: string): readonly T[] {
  return (JSON.parse(readFileSync(join(repository, 'tests/fixtures/wire', name), 'utf8')) as { cases: T[] }).cases;
}

const expected = JSON.parse(readFileSync(join(here, 'expected-failures.json'), 'utf8')) as Record<string, string>;

/** A test of a case by its id; one that is listed as failing must fail. */
export function caseTest(id: string, body: () => Promise<void>): void {
  const reason = expected[id];
  if (reason === undefined) test(id, body);
  else {
    test(`${id} (does not hold yet: ${reason})`, async () => {
      await expect(body(), `${id} holds now: take it off test/expected-failures.json`).rejects.toThrow();
    });
  }
}

/** What stands in for a suite whose fixtures are not here. */
export function withFixtures(suite: () => void): void {
  if (haveFixtures) suite();
  else if (process.env['CI'] === 'true') {
    test('the conformance fixtures are here', () => {
      throw new Error(`there are no fixtures at ${fixtures}: set IPFS_COMM_FIXTURES`);
    });
  } else test.skip(`no fixtures at ${fixtures}`, () => undefined);
}

/** Bytes of hexadecimal text. */
export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16));
}

/** Hexadecimal text of bytes. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** A promise to settle from outside. */
export function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>(settle => (resolve = settle));
  return { promise, resolve };
}
