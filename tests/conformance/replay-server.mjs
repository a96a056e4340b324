// The implementation that tools/wire_replay.mjs drives: a node in a process of its own, on standard input and output.

import { IPFSClient } from 'ipfs-message-port-client'
import { spawn } from './carriers/stdio.mjs'

/** The nodes' main ports: the tool asks for its main channel without waiting, so one node is always up beforehand. */
let ready = await spawn()
let main

/** The main channel on the first call of a transcript, private ones after that. */
export function createChannel () {
  if (main !== undefined) return new MessageChannel()
  main = ready
  return { port1: main.port, port2: main }
}

/** Seed the node; the server is on the port already. */
export async function connect (node, seed) {
  if (seed != null) await sow(node.port, seed)
  return async () => {
    await node.close()
    ready = await spawn()
    main = undefined
  }
}

/** Put a transcript's seed into the node by the client, out of the tool's sight. */
async function sow (port, seed) {
  if (!Object.hasOwn(seeds, seed)) throw new Error(`no seed ${seed}: there are ${Object.keys(seeds).join('; ')}`)
  const { onmessage } = port
  port.onmessage = null
  const client = IPFSClient.from(port)
  try {
    await seeds[seed](client)
  } finally {
    port.removeEventListener('message', client.transport)
    port.onmessage = onmessage
  }
}

const seeds = {
  "add('hello world')": ipfs => ipfs.add('hello world'),
  "addAll d/a.txt='a', d/sub/b.txt='bb'": async ipfs => {
    const files = [{ path: 'd/a.txt', content: 'a' }, { path: 'd/sub/b.txt', content: 'bb' }]
    for await (const { path } of ipfs.addAll(files)) if (path === undefined) throw new Error('an entry without a path')
  },
  "add('0123456789abcdefghijklmnopqrst',{chunker:'size-10'})": ipfs => ipfs.add('0123456789abcdefghijklmnopqrst', { chunker: 'size-10' }),
  'dag.put({link: dag.put({x:{y:[1,2,3]}, b: bytes}), n:null, f:1.5})': async ipfs => {
    const link = await ipfs.dag.put({ x: { y: [1, 2, 3] }, b: new TextEncoder().encode('bytes') })
    await ipfs.dag.put({ link, n: null, f: 1.5 })
  },
  "block.put('blorb')": ipfs => ipfs.block.put(new TextEncoder().encode('blorb'))
}
