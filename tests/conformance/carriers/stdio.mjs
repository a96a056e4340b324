// A node in a process of its own, its link on that process's standard input and output.

import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startKubo } from '../kubo.mjs'
import { resolvers, shardsAll } from './node-options.mjs'

const lib = path.resolve(import.meta.dirname, '../../../labextension/lib/testing.js')
const { connectProcess } = await import(pathToFileURL(lib).href)

/** How an empty node of each kind begins: the arguments that name it, and what ends what is behind it. */
const kinds = {
  async embedded () {
    return { args: ['--repo', ':memory:', '--config', `DNS.Resolvers=${JSON.stringify(resolvers())}`], close: async () => {} }
  },
  async kubo (options) {
    const { url, close } = await startKubo(options)
    return { args: ['--kubo-api', url], close }
  }
}

/** Start an empty node of a kind; `close` ends its process, `stop` the daemon behind it. */
export async function spawn (options = {}, kind = 'embedded') {
  const { args, close } = await kinds[kind](options)
  // Ours decides what is sharded, whatever a daemon's configuration says.
  const sharding = shardsAll(options) ? ['--shard-split-threshold', '1'] : []
  let port
  try {
    port = await connectProcess({
      command: process.env.IPFS_COMM_PYTHON,
      args: ['-m', 'ipfs_comm.testing.serve', '--node', kind, ...args, ...sharding]
    })
  } catch (error) {
    await close()
    throw error
  }
  return {
    port,
    stop: kind === 'kubo' ? close : undefined,
    close: async () => {
      port.close()
      await close()
    }
  }
}
