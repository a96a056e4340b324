// Daemons of a real Kubo that no network reaches, each with a repository and an identity of its own.

import { spawn, spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { base58btc } from 'multiformats/bases/base58'
import { REPO } from './repo.mjs'

const BINARY = path.join(REPO, 'build', 'kubo', process.platform === 'win32' ? 'ipfs.exe' : 'ipfs')
/** How long a daemon may take to be ready, ms. */
const START_MS = 30_000
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
/** What every daemon has set: peers on the loopback interface that know the key of the run, and nobody else. */
const SETTINGS = {
  Addresses: { Swarm: [LOOPBACK], API: LOOPBACK, Gateway: LOOPBACK },
  AutoConf: { Enabled: false },
  AutoTLS: { Enabled: false },
  Bootstrap: [],
  Discovery: { MDNS: { Enabled: false } },
  Ipns: { DelegatedPublishers: [] },
  Pubsub: { Enabled: true },
  Routing: { Type: 'dht', DelegatedRouters: [], LoopbackAddressesOnLanDHT: true },
  Swarm: { RelayClient: { Enabled: false }, RelayService: { Enabled: false }, Transports: { Network: { QUIC: false, WebTransport: false, WebRTCDirect: false } } }
}
/** What a suite wants beside: that of names says "offline" in its titles, and means a node that finds its own records. */
const BY_SUITE = {
  name: { args: ['--offline'] },
  namePubsub: { settings: { Ipns: { UsePubsub: true } } }
}

/** Whether there is a Kubo to run. */
export function haveKubo () {
  return fs.existsSync(BINARY)
}

/**
 * Make the repository that those of all daemons are copies of. Each `ipfs init` would take as long as a daemon's start.
 *
 * @returns {() => void} takes it and its copies away
 */
export function layOutRepository () {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ipfs-comm-conformance-'))
  const pattern = path.join(folder, 'pattern')
  const { status, stderr } = spawnSync(BINARY, ['init', '--profile=test', '--empty-repo'], { env: environment(pattern), encoding: 'utf8' })
  if (status !== 0) throw new Error(`ipfs init: ${stderr}`)
  const config = path.join(pattern, 'config')
  fs.writeFileSync(config, JSON.stringify(merged(JSON.parse(fs.readFileSync(config, 'utf8')), SETTINGS)))
  fs.writeFileSync(path.join(pattern, 'swarm.key'), `/key/swarm/psk/1.0.0/\n/base16/\n${crypto.randomBytes(32).toString('hex')}\n`)
  process.env.CONFORMANCE_KUBO = folder
  return () => fs.rmSync(folder, { recursive: true, force: true })
}

/**
 * Start a daemon on an empty repository.
 *
 * @param {{ipfsOptions?: {config?: object}}} options as given to the suites' factory
 * @returns {Promise<{url: string, close: () => Promise<void>}>} its RPC; `close` ends it and takes the repository away
 */
export async function startKubo ({ ipfsOptions = {} } = {}) {
  const folder = process.env.CONFORMANCE_KUBO
  const repository = fs.mkdtempSync(path.join(folder, 'repo-'))
  fs.cpSync(path.join(folder, 'pattern'), repository, { recursive: true })
  const file = path.join(repository, 'config')
  const { args = [], settings = {} } = BY_SUITE[process.env.CONFORMANCE_SUITE] ?? {}
  const own = { Identity: identity(), DNS: { Resolvers: { '.': process.env.CONFORMANCE_DNS_URL } } }
  const wanted = [own, settings, anyPort(ipfsOptions.config ?? {})]
  fs.writeFileSync(file, JSON.stringify(wanted.reduce(merged, JSON.parse(fs.readFileSync(file, 'utf8')))))

  const daemon = spawn(BINARY, ['daemon', ...args], { env: environment(repository), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const ended = new Promise(resolve => daemon.once('close', resolve))
  const ready = new Promise(resolve => {
    for (const output of [daemon.stdout, daemon.stderr]) {
      output.setEncoding('utf8').on('data', text => {
        said += text
        if (said.includes('Daemon is ready')) resolve(true)
      })
    }
  })
  const close = async () => {
    // Nothing of it is wanted any more, and its own end takes longer than many a test.
    daemon.kill('SIGKILL')
    await ended
    fs.rmSync(repository, { recursive: true, force: true })
  }
  let timer
  const late = new Promise(resolve => { timer = setTimeout(resolve, START_MS) })
  const up = await Promise.race([ready, ended.then(() => false), late])
  clearTimeout(timer)
  if (up !== true) {
    await close()
    throw new Error(`a Kubo daemon did not start:\n${said}`)
  }
  const [, , host, , port] = fs.readFileSync(path.join(repository, 'api'), 'utf8').trim().split('/')
  return { url: `http://${host}:${port}`, close }
}

function environment (repository) {
  const { PATH, TMPDIR, SYSTEMROOT } = process.env
  // Without the key of the run a daemon is not to start at all.
  return { PATH, TMPDIR, SYSTEMROOT, HOME: repository, IPFS_PATH: repository, IPFS_TELEMETRY: 'off', LIBP2P_FORCE_PNET: '1' }
}

/** A fresh key pair as Kubo's configuration has it (libp2p specs, peer-ids: Ed25519). */
function identity () {
  const { privateKey } = crypto.generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  const [seed, point] = [d, x].map(text => Buffer.from(text, 'base64url'))
  const pair = Buffer.concat([Buffer.from([0x08, 0x01, 0x12, 0x40]), seed, point])
  const id = Buffer.concat([Buffer.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]), point])
  return { PeerID: base58btc.baseEncode(id), PrivKey: pair.toString('base64') }
}

/** Settings with free ports in place of those that a suite chose: two runs of it may go on at a time. */
function anyPort (config) {
  const { Swarm, ...others } = config.Addresses ?? {}
  if (Swarm === undefined) return config
  return { ...config, Addresses: { ...others, Swarm: Swarm.map(address => address.replace(/\/tcp\/\d+/, '/tcp/0')) } }
}

function merged (ours, theirs) {
  const plain = value => typeof value === 'object' && value !== null && !Array.isArray(value)
  const result = { ...ours }
  for (const [name, value] of Object.entries(theirs)) {
    result[name] = plain(result[name]) && plain(value) ? merged(result[name], value) : value
  }
  return result
}
