// A jupyter_server for the run, with folders and a token of its own.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const START_MS = 30_000
const STOP_MS = 10_000

/**
 * Start the server.
 *
 * @param {string} python the interpreter of the environment that has jupyter_server and ipfs_comm
 * @returns {Promise<{url: string, token: string, pid: number, close: () => Promise<void>}>}
 */
export async function startJupyter (python) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ipfs-comm-conformance-'))
  const folder = name => {
    const made = path.join(home, name)
    fs.mkdirSync(made, { mode: 0o700 })
    return made
  }
  const runtime = folder('runtime')
  const token = randomBytes(24).toString('hex')
  const log = fs.openSync(path.join(home, 'server.log'), 'w')
  const server = spawn(python, [
    '-m', 'jupyter_server', '--ServerApp.port=0', '--ServerApp.ip=127.0.0.1', '--ServerApp.open_browser=False', '--ServerApp.allow_root=True',
    `--ServerApp.root_dir=${folder('work')}`, '--ServerApp.jpserver_extensions={}'
  ], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      IPFS_COMM_NODE: 'embedded',
      IPFS_COMM_REPO: ':memory:',
      IPFS_COMM_GATEWAYS: '',
      IPYTHONDIR: folder('ipython'),
      JUPYTER_CONFIG_DIR: folder('config'),
      JUPYTER_RUNTIME_DIR: runtime,
      JUPYTER_TOKEN: token
    }
  })
  const ended = new Promise(resolve => server.once('exit', code => resolve(code ?? -1)))
  const close = async () => {
    server.kill('SIGTERM')
    const timely = await Promise.race([ended.then(() => true), wait(STOP_MS, false, { ref: false })])
    if (!timely) {
      server.kill('SIGKILL')
      await ended
    }
    fs.closeSync(log)
    fs.rmSync(home, { recursive: true, force: true })
  }
  const file = path.join(runtime, `jpserver-${server.pid}.json`)
  const deadline = Date.now() + START_MS
  for (;;) {
    const url = fs.existsSync(file) ? await answering(file, token) : undefined
    if (url !== undefined) return { url, token, pid: server.pid, close }
    if (server.exitCode !== null || Date.now() > deadline) {
      const said = fs.readFileSync(path.join(home, 'server.log'), 'utf8')
      await close()
      throw new Error(`jupyter_server did not answer within ${START_MS / 1000} s:\n${said}`)
    }
    await wait(50)
  }
}

/** The server's address once it answers there; undefined before that. */
async function answering (file, token) {
  let url
  try {
    ;({ url } = JSON.parse(fs.readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const response = await fetch(new URL('api/status', url), { headers: { authorization: `token ${token}` } }).catch(() => undefined)
  return response?.ok === true ? url : undefined
}
