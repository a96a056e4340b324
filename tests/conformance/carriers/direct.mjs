// A node in a kernel behind a real jupyter_server and its websocket.

import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { KernelAPI, KernelConnection, ServerConnection } from '@jupyterlab/services'
import WebSocket from 'ws'
import { startKubo } from '../kubo.mjs'
import { resolvers, shardsAll } from './node-options.mjs'

const lib = path.resolve(import.meta.dirname, '../../../labextension/lib/index.js')
const { connect } = await import(pathToFileURL(lib).href)

const serverSettings = ServerConnection.makeSettings({
  baseUrl: process.env.CONFORMANCE_JUPYTER_URL,
  wsUrl: process.env.CONFORMANCE_JUPYTER_URL.replace(/^http/, 'ws'),
  token: process.env.CONFORMANCE_JUPYTER_TOKEN,
  appendToken: true,
  fetch: globalThis.fetch,
  Request: globalThis.Request,
  Headers: globalThis.Headers,
  WebSocket
})

/** Kernels without a node. A kernel takes seconds to start and an extension next to nothing to load again. */
const idle = []

/** How often a port is asked for: on a machine that is busy for 300 ms the opener rightly takes another carrier, which is not the one under test. */
const ATTEMPTS = 3

/** What makes an empty node of each kind the kernel's, and what ends what is behind it. */
const kinds = {
  async embedded () {
    return { cells: [`await ipfs.config.set('DNS.Resolvers', ${JSON.stringify(resolvers())})`], end: async () => {} }
  },
  async kubo (options) {
    const { url, close } = await startKubo(options)
    return { cells: [`%ipfs kubo_api ${url}`, '%ipfs node kubo'], end: close }
  }
}

/** Load the extension, which makes an empty node that ports may administer, and open a port to it; `close` unloads the extension. */
export async function spawn (options = {}, kind = 'embedded') {
  const { cells, end } = await kinds[kind](options)
  const sharding = shardsAll(options) ? ['%ipfs shard_split_threshold 1'] : []
  const kernel = idle.pop() ?? await startKernel()
  // The suites administer their node; ports may not where nobody says so.
  for (const cell of ['%load_ext ipfs_comm', '%ipfs admin True', ...sharding, ...cells]) await execute(kernel, cell)
  const astray = []
  const watch = (_, { msg }) => {
    const packet = msg.header.msg_type.startsWith('comm_') && msg.buffers?.length > 0
    if (packet && msg.channel !== 'control') astray.push(msg.channel)
  }
  kernel.anyMessage.connect(watch)
  let port = await connect(kernel)
  for (let attempt = 1; astray.length > 0 && attempt < ATTEMPTS; attempt++) {
    port.close()
    astray.length = 0
    port = await connect(kernel)
  }
  const close = async () => {
    port.close()
    kernel.anyMessage.disconnect(watch)
    await execute(kernel, '%unload_ext ipfs_comm')
    idle.push(kernel)
    await end()
    if (astray.length > 0) throw new Error(`this was no run over the direct carrier: ${astray.length} packets went over ${astray[0]}`)
  }
  return { port, close }
}

/** A kernel that has imported what it needs, so that it answers at once. */
async function startKernel () {
  const model = await KernelAPI.startNew({ name: 'python3' }, serverSettings)
  const kernel = new KernelConnection({ model, serverSettings, handleComms: true })
  await execute(kernel, '%load_ext ipfs_comm\n%unload_ext ipfs_comm')
  return kernel
}

async function execute (kernel, code) {
  const { content } = await kernel.requestExecute({ code }).done
  if (content.status !== 'ok') throw new Error(`${code} failed: ${content.ename}: ${content.evalue}`)
}
