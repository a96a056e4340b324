// A node in a process of its own, its link on that process's standard input and output.

import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { resolvers, shardsAll } from './node-options.mjs'

const lib = path.resolve(import.meta.dirname, '../../../labextension/lib/testing.js')
const { connectProcess } = await import(pathToFileURL(lib).href)

/** Start an empty node; `close` ends its process. */
export async function spawn (options = {}) {
  const sharding = shardsAll(options) ? ['--shard-split-threshold', '1'] : []
  const port = await connectProcess({
    command: process.env.IPFS_COMM_PYTHON,
    args: ['-m', 'ipfs_comm.testing.serve', '--node', 'embedded', '--repo', ':memory:', '--config', `DNS.Resolvers=${JSON.stringify(resolvers())}`, ...sharding]
  })
  return { port, close: async () => port.close() }
}
