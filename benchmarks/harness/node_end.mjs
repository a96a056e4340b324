// A websocket client in Node: JupyterLab's own kernel connection, and commands as lines of JSON on standard input.

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { answerCommands } from './commands.mjs';
import { createBench } from './page_end.js';
import { createVerbs } from './verbs_end.js';

const { url, token, library, client, clients } = JSON.parse(process.argv[2]);
const require = createRequire(path.resolve(import.meta.dirname, '../../labextension/package.json'));
const { KernelConnection, ServerConnection } = require('@jupyterlab/services');
const WebSocket = require('ws');

/** A websocket without compression, and with the mask 0, which costs nothing to apply. */
class PlainSocket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, {
      perMessageDeflate: false,
      generateMask: mask => mask.fill(0)
    });
  }
}

/** The kernel websocket protocol v1 without copies of what arrives, which JupyterLab's own makes. */
const serializer = {
  serialize(msg) {
    const texts = [msg.channel, ...[msg.header, msg.parent_header ?? {}, msg.metadata, msg.content].map(part => JSON.stringify(part))];
    const parts = [...texts.map(text => Buffer.from(text)), ...(msg.buffers ?? []).map(buffer => Buffer.from(buffer.buffer ?? buffer))];
    const head = Buffer.alloc(8 * (parts.length + 2));
    head.writeBigUInt64LE(BigInt(parts.length + 1));
    let offset = head.length;
    head.writeBigUInt64LE(BigInt(offset), 8);
    parts.forEach((part, i) => head.writeBigUInt64LE(BigInt((offset += part.length)), 8 * (i + 2)));
    return Buffer.concat([head, ...parts]);
  },
  deserialize(data) {
    const view = new DataView(data);
    const offsets = Array.from({ length: Number(view.getBigUint64(0, true)) }, (_, i) => Number(view.getBigUint64(8 * (i + 1), true)));
    const text = i => Buffer.from(data, offsets[i], offsets[i + 1] - offsets[i]).toString();
    const [header, parent_header, metadata, content] = [1, 2, 3, 4].map(i => JSON.parse(text(i)));
    const buffers = offsets.slice(5, -1).map((offset, i) => new DataView(data, offset, offsets[i + 6] - offset));
    return {
      channel: text(0),
      header,
      parent_header,
      metadata,
      content,
      buffers
    };
  }
};

const settings = ServerConnection.makeSettings({
  baseUrl: url,
  wsUrl: url.replace(/^http/, 'ws'),
  token,
  appendToken: true,
  fetch: globalThis.fetch,
  Request: globalThis.Request,
  Headers: globalThis.Headers,
  WebSocket: PlainSocket,
  serializer
});

const host = {
  async connect(id, wsUrl) {
    const serverSettings = { ...settings, ...(wsUrl && { wsUrl }) };
    return new KernelConnection({
      model: { id, name: 'python3' },
      serverSettings,
      handleComms: true
    });
  },
  /** A client as the script's own module makes it. */
  async client(how) {
    const { makeClient } = await import(pathToFileURL(clients).href);
    return makeClient(how);
  }
};

const [ours, theirs] = await Promise.all([library, client].map(file => import(pathToFileURL(file).href)));
await answerCommands(createBench(host, { ours, theirs }, createVerbs));
