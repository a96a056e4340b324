import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import * as index from '../src/index.js';
import * as testing from '../src/testing.js';
import { root } from './support.js';

test('the public names are these', () => {
  expect(Object.keys(index).sort()).toEqual([
    'AbortError',
    'Acceptor',
    'ByteStream',
    'CID',
    'IIpfs',
    'IPFSClient',
    'IPFSCommError',
    'InvalidInputError',
    'ItemStream',
    'Link',
    'LinkError',
    'Multiaddr',
    'PeerId',
    'Port',
    'ProtocolError',
    'RemoteError',
    'TimeoutError',
    'VersionError',
    'bridge',
    'channel',
    'connect',
    'connectModel',
    'linkErrorOf',
    'toCID'
  ]);
  expect(Object.keys(testing).sort()).toEqual(['Port', 'connectProcess', 'createChannel']);
});

test.each(['index.js', 'testing.js'])('lib/%s imports nothing that a browser would have to find', name => {
  const source = readFileSync(join(root, 'lib', name), 'utf8');
  expect(source.match(/^\s*(import|export)\b.*\bfrom\s*["'].*$/gm)).toBeNull();
});
