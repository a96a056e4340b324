// One suite of interface-ipfs-core in this process, over one carrier; every result goes to the parent at once.
//
// Started by run.mjs: node suite.mjs '{"suite", "client", "kind", "bundle", "carrier", "deadline"}', with the folder of test files as working directory.

import './polyfill.mjs'
import { startDns } from './dns.mjs'
import { startEcho } from './echo.mjs'
import { missingMethod } from './missing.mjs'
import { startPinningService } from './pinning.mjs'

const RACE_RETRIES = 4

process.once('disconnect', () => process.exit(1))
const { suite: name, client, kind, bundle, carrier, deadline } = JSON.parse(process.argv[2])
const echo = await startEcho()
process.env.ECHO_SERVER = echo.url
const dns = await startDns()
process.env.CONFORMANCE_DNS_URL = dns.url
process.env.CONFORMANCE_SUITE = name
const pinning = name === 'pin' ? await startPinningService() : undefined
if (pinning !== undefined) Object.assign(process.env, { PINNING_SERVICE_ENDPOINT: pinning.url, PINNING_SERVICE_KEY: pinning.key })

const { default: Mocha } = await import('mocha')
const suites = await import('interface-ipfs-core')
const { spawn } = await import(carrier)
const { loadClient } = await import('./clients.mjs')
const connectClient = await loadClient(client, bundle)

/** The `factory` of ipfsd-ctl as far as the suites use it: nodes made on demand, all ended by clean(). */
class Factory {
  constructor () {
    this.opts = { type: kind === 'kubo' ? 'go' : 'js' }
    this.nodes = new Set()
    this.api = undefined
  }

  async spawn (options = {}) {
    const node = await spawn(options, kind)
    this.nodes.add(node)
    this.api = connectClient(node)
    return { api: this.api, stop: () => node.stop?.() ?? this.end(node) }
  }

  async end (node) {
    this.nodes.delete(node)
    await node.close()
  }

  async clean () {
    await Promise.all([...this.nodes].map(node => this.end(node)))
  }
}

const factory = new Factory()
const mocha = new Mocha({ timeout: deadline, reporter: class {} })
mocha.suite.emit('pre-require', globalThis, '', mocha)
suites[name](factory)

const titles = new Map()
const seen = new Map()
mocha.suite.eachTest(test => {
  const title = test.titlePath().join(' > ')
  const count = (seen.get(title) ?? 0) + 1
  seen.set(title, count)
  titles.set(test, count === 1 ? title : `${title} (${count})`)
})
prepare(mocha.suite)
process.send({ tests: [...titles.values()] })

const runner = mocha.run(async () => {
  await factory.clean()
  await echo.close()
  await dns.close()
  await pinning?.close()
  process.send({ done: true }, () => process.exit(0))
})
const began = new Map()
const reported = new Set()
runner.on('test', test => began.set(test, performance.now()))
runner.on('pass', test => report(test, 'passed'))
runner.on('pending', test => report(test, 'pending'))
runner.on('fail', (runnable, error) => {
  if (runnable.type === 'hook') failBehind(runnable, error)
  else report(runnable, 'failed', error)
})

/**
 * The suites allow single tests up to eighteen minutes, far beyond what a run may take. And their tests of 1 ms timeouts are races, "best-effort" in their own
 * words: they fail where the answer is there within the millisecond.
 */
function prepare (suite) {
  const runnables = [...suite.tests, ...suite._beforeAll, ...suite._afterAll, ...suite._beforeEach, ...suite._afterEach]
  for (const runnable of runnables) runnable.timeout(deadline)
  for (const test of suite.tests) if (test.title.startsWith('should respect timeout option')) test.retries(RACE_RETRIES)
  suite.suites.forEach(prepare)
}

/** A hook that fails takes the tests behind it along; mocha itself leaves them out of its counts. Behind an `after` there are none. */
function failBehind (hook, error) {
  const where = `${hook.title.trim()}: `
  const behind = []
  hook.parent.eachTest(test => {
    if (!reported.has(test)) behind.push(test)
  })
  for (const test of behind) report(test, test.isPending() ? 'pending' : 'failed', error, where)
  if (behind.length === 0) process.send({ broken: `${hook.parent.titlePath().join(' > ')}: ${where}${error?.message ?? error}` })
}

function report (runnable, state, error, where = '') {
  const test = runnable.retriedTest() ?? runnable
  if (reported.has(test)) return
  reported.add(test)
  const ms = Math.round(performance.now() - (began.get(test) ?? performance.now()))
  if (state !== 'failed') {
    process.send({ test: titles.get(test), state, ms })
    return
  }
  const { message = String(error), stack = '' } = error ?? {}
  process.send({ test: titles.get(test), state, ms, error: where + message, stack, missing: missingMethod(error, factory.api) })
}
