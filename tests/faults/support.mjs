// A kernel behind a real jupyter_server, reached through a line that can be cut, and what the tests ask about it.

import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startJupyter } from '../conformance/jupyter.mjs'
import { interpreter, REPO } from '../conformance/repo.mjs'

const LABEXTENSION = path.join(REPO, 'labextension')
const require = createRequire(path.join(LABEXTENSION, 'package.json'))
const { KernelAPI, KernelConnection, ServerConnection } = require('@jupyterlab/services')
const WebSocket = require('ws')

export const { connect, IPFSClient } = await import(pathToFileURL(path.join(LABEXTENSION, 'lib', 'index.js')).href)
export const MIB = 2 ** 20

/** Start a server and a line to it. */
export async function startServer () {
  const server = await startJupyter(process.env.IPFS_COMM_PYTHON ?? interpreter())
  const line = await openLine(Number(new URL(server.url).port))
  const kernels = []
  return {
    line,
    pid: server.pid,
    /** Start a kernel with a node in memory. */
    async startKernel () {
      const settings = settingsOf(server, line)
      const model = await KernelAPI.startNew({ name: 'python3' }, settings)
      const kernel = new Kernel(model, settings)
      kernels.push(kernel)
      await kernel.run('%load_ext ipfs_comm')
      return kernel
    },
    async close () {
      // The server takes its kernels with it.
      for (const { connection } of kernels) connection.dispose()
      line.close()
      await server.close()
    }
  }
}

/** A kernel and one client's connection to it. */
class Kernel {
  constructor (model, settings) {
    this.model = model
    this.settings = settings
    this.connection = new KernelConnection({ model, serverSettings: settings, handleComms: true })
  }

  /** Another client of the same kernel. */
  another () {
    return new Kernel(this.model, this.settings)
  }

  /** Wait until the server has started the kernel, which is about to die, anew, and this client is connected to it. */
  startedAnew () {
    const { connection } = this
    return new Promise(resolve => {
      let begun = false
      let parted = false
      const look = () => {
        begun ||= connection.status === 'autorestarting'
        parted ||= begun && connection.connectionStatus !== 'connected'
        if (!parted || connection.connectionStatus !== 'connected') return
        connection.statusChanged.disconnect(look)
        connection.connectionStatusChanged.disconnect(look)
        resolve()
      }
      connection.statusChanged.connect(look)
      connection.connectionStatusChanged.connect(look)
    })
  }

  /** Start a cell; `done` has what it printed. */
  start (code) {
    const future = this.connection.requestExecute({ code })
    let printed = ''
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === 'stream') printed += content.text
      if (header.msg_type === 'execute_result') printed += content.data['text/plain']
    }
    return {
      done: future.done.then(({ content }) => {
        if (content.status !== 'ok') throw Object.assign(new Error(`${code}: ${content.ename}: ${content.evalue}`), { name: content.ename })
        return printed
      })
    }
  }

  /** Run a cell and give what it printed. */
  run (code) {
    return this.start(code).done
  }
}

function settingsOf ({ url, token }, line) {
  const through = new URL(url)
  through.port = String(line.port)
  return ServerConnection.makeSettings({
    baseUrl: through.href,
    wsUrl: through.href.replace(/^http/, 'ws'),
    token,
    appendToken: true,
    fetch: globalThis.fetch,
    Request: globalThis.Request,
    Headers: globalThis.Headers,
    WebSocket
  })
}

/** A TCP relay on loopback whose connections can be cut, or left unread. */
async function openLine (target) {
  const pairs = new Set()
  let passed = 0
  const server = net.createServer(near => {
    const far = net.connect(target, '127.0.0.1')
    const pair = { near, far }
    pairs.add(pair)
    far.on('data', data => (passed += data.byteLength))
    near.on('data', data => (passed += data.byteLength))
    near.pipe(far)
    far.pipe(near)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('close', end).on('error', end)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    /** Bytes that went either way so far. */
    get passed () {
      return passed
    },
    cut () {
      for (const { near, far } of [...pairs]) {
        near.destroy()
        far.destroy()
      }
    },
    /** Leave unread what comes from the server, until the returned function is called. */
    hold () {
      const held = [...pairs]
      for (const { near, far } of held) {
        far.unpipe(near)
        far.pause()
      }
      return () => {
        for (const { near, far } of held) if (!far.destroyed) far.pipe(near)
      }
    },
    close () {
      this.cut()
      server.close()
    }
  }
}

/** Bytes and their SHA-256. */
export function content (size) {
  const bytes = randomBytes(size)
  return { bytes, sha: digest(bytes) }
}

export function digest (bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The SHA-256 of a stream, and a call after each piece. */
export async function digestOf (pieces, each = () => undefined) {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of pieces) {
    hash.update(piece)
    size += piece.byteLength
    await each(size)
  }
  return hash.digest('hex')
}

/** Pieces of the bytes, as a stream that something happens beside. */
export async function * piecesOf (bytes, each = () => undefined, size = MIB / 4) {
  for (let at = 0; at < bytes.byteLength; at += size) {
    yield bytes.slice(at, at + size)
    await each(at)
  }
}

/** Resident memory of a process, bytes. */
export function residentMemory (pid) {
  const [, kilobytes] = fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)
  return Number(kilobytes) * 1024
}

/** Fail, naming what was awaited, when it takes too long. */
export function within (ms, what, promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${ms / 1000} s`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
