// Runs interface-ipfs-core through each client over each carrier, and holds the results against what is pinned.
//
//   node run.mjs [--client old-0.13.1,own,kubo-rpc-client] [--node embedded,kubo] [--carrier stdio,direct,http] [--suite root,dag,…] [--jobs 4] [--short] [--write]
//
// A carrier is a name of carriers/, or a path to a module like those. Results go to build/conformance.json. With --short, each client takes
// one carrier to a node, and Kubo's own is left out. With --write, pinned.json and
// known-failures.json take on what came out; reasons that cannot be read off the failure are left for a person to fill in.

import { fork, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { layOutFixtures } from './fixtures.mjs'
import { startJupyter } from './jupyter.mjs'
import { haveKubo, layOutRepository } from './kubo.mjs'
import { buildOwnClient } from './own-client.mjs'
import { interpreter, REPO, sharedFixtures } from './repo.mjs'
import { compare, lostRaces, missedBy, readExpectations, totals, writeExpectations } from './report.mjs'

const BUILD = path.join(REPO, 'build')
const RESULTS = path.join(BUILD, 'conformance.json')
/** Every test of the last run with its time and error, to look into. */
const DETAILS = path.join(BUILD, 'conformance-details.json')
/** Longest time of one test or hook, of one suite, and of the whole run. */
const TEST_MS = 60_000
const SUITE_MS = 540_000
const RUN_MS = 1_200_000
/** How many differences are printed. */
const SHOWN = 40
/** The namespaces that every client of a whole node has, those that want peers, and those of the old client. */
const WHOLE = ['root', 'dag', 'block', 'files', 'pin', 'key', 'name', 'object', 'repo', 'config', 'bootstrap', 'stats', 'miscellaneous']
const PEERS = ['pubsub', 'swarm', 'bitswap', 'dht', 'ping', 'namePubsub']
const OLD = ['root', 'dag', 'block', 'files']
/** What is run where nothing is chosen: what carries each client to each node, all of it or in short, and the suites. */
const RUNS = {
  'old-0.13.1': { embedded: { carriers: ['stdio', 'direct'], short: ['direct'], suites: OLD } },
  own: {
    embedded: { carriers: ['stdio', 'direct'], short: ['direct'], suites: WHOLE },
    kubo: { carriers: ['stdio'], short: ['stdio'], suites: [...WHOLE, ...PEERS] }
  },
  'kubo-rpc-client': { kubo: { carriers: ['http'], short: [], suites: [...WHOLE, ...PEERS] } }
}
/** Suites that take long, and so begin first; those that wait more than they work before the others. */
const LONG = ['namePubsub', 'pin', 'root', 'files', 'pubsub', 'dag', 'block']
/** Whom ours is held to on Kubo. */
const [OURS, REFERENCE] = ['own@stdio@kubo', 'kubo-rpc-client@http@kubo']

const { values: options } = parseArgs({
  options: {
    carrier: { type: 'string' },
    suite: { type: 'string' },
    client: { type: 'string', default: Object.keys(RUNS).join(',') },
    node: { type: 'string', default: 'embedded,kubo' },
    jobs: { type: 'string', default: String(os.availableParallelism() + 2) },
    short: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false }
  }
})

process.env.IPFS_COMM_PYTHON ??= interpreter()
if (spawnSync(process.env.IPFS_COMM_PYTHON, ['-c', 'import ipfs_comm'], { stdio: 'inherit' }).status !== 0) {
  throw new Error(`${process.env.IPFS_COMM_PYTHON} has no ipfs_comm: run make setup`)
}
const folder = path.join(BUILD, 'conformance')
layOutFixtures(folder, sharedFixtures())
const bundle = path.join(folder, 'own-client.mjs')
await buildOwnClient(bundle)

const endOfRun = Date.now() + RUN_MS
const outcomes = {}
/** What went wrong beside the tests: hooks that clean up, suites that did not end. */
const breakages = []
let jupyter
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => Promise.resolve(jupyter?.close()).finally(() => process.exit(1)))
}
const jobs = planned()
if (jobs.some(({ kind }) => kind === 'kubo')) process.once('exit', layOutRepository())
if (jobs.some(({ name }) => name === 'direct')) jupyter = await startJupyter(process.env.IPFS_COMM_PYTHON)
try {
  const waiting = jobs.toSorted((a, b) => rank(a) - rank(b))
  await Promise.all(Array.from({ length: Number(options.jobs) }, async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await perform(job)
  }))
} finally {
  await jupyter?.close()
}

for (const [key, suites] of Object.entries(outcomes)) {
  const { passed, total } = totals(Object.values(suites).flat())
  console.log(`${key}: ${passed} of ${total} passed`)
}
for (const [suite, tests] of missedBy(outcomes, OURS, REFERENCE)) {
  for (const test of tests) console.log(`${OURS} ${suite}: only ${REFERENCE} passes: ${test}`)
}
writeResults()
const expectations = readExpectations()
for (const [key, suites] of Object.entries(outcomes)) {
  for (const [suite, results] of Object.entries(suites)) {
    for (const test of lostRaces(expectations.races, key, suite, results)) console.log(`${key} ${suite}: a race was lost as it may be: ${test}`)
  }
}
if (options.write) writeExpectations(expectations, outcomes)
const complaints = [...breakages, ...compare(expectations, outcomes)]
for (const complaint of complaints.slice(0, SHOWN)) console.error(complaint)
if (complaints.length > SHOWN) console.error(`… and ${complaints.length - SHOWN} more: every test is in ${path.relative(REPO, DETAILS)}`)
console.log(complaints.length === 0 ? 'conformance: as pinned' : `conformance: ${complaints.length} differences from what is pinned`)
process.exit(complaints.length === 0 ? 0 : 1)

/** Every suite through every client over every carrier, in the order in which the results are told. */
function planned () {
  const runs = options.client.split(',').flatMap(client => options.node.split(',').flatMap(kind => {
    const { carriers, short, suites } = RUNS[client]?.[kind] ?? { carriers: [], short: [] }
    const chosen = options.carrier?.split(',') ?? (options.short ? short : carriers)
    // A client that speaks to ports takes any carrier of them; one that speaks RPC has one way.
    const fitting = chosen.filter(carrier => (carrier === 'http') === carriers.includes('http'))
    return carriers.length === 0 ? [] : fitting.map(carrier => ({ client, kind, carrier, suites }))
  }))
  const possible = runs.filter(({ kind }) => kind !== 'kubo' || haveKubo())
  if (possible.length < runs.length) {
    if (process.env.CI === 'true') throw new Error('no Kubo to run the suites on: `make kubo` builds it')
    console.log('no Kubo: what runs on it is left out; `make kubo` builds it where Go is there')
  }
  return possible.flatMap(({ client, kind, carrier, suites }) => {
    const name = path.basename(carrier, '.mjs')
    const key = `${client}@${name}@${kind}`
    const wanted = options.suite === undefined ? suites : options.suite.split(',')
    outcomes[key] = Object.fromEntries(wanted.map(suite => [suite, []]))
    return wanted.map(suite => ({ client, kind, name, carrier, key, suite }))
  })
}

function rank ({ suite }) {
  const place = LONG.indexOf(suite)
  return place < 0 ? LONG.length : place
}

async function perform ({ client, kind, name, carrier, key, suite }) {
  const env = name === 'direct' ? { CONFORMANCE_JUPYTER_URL: jupyter.url, CONFORMANCE_JUPYTER_TOKEN: jupyter.token } : {}
  const started = Date.now()
  const results = await runSuite({ suite, client, kind, carrier: moduleOf(carrier) }, env)
  outcomes[key][suite] = results
  const { passed, failed, pending, total } = totals(results)
  console.log(`${key} ${suite}: ${passed} passed, ${failed} failed, ${pending} pending of ${total}, ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

/** Run one suite in a process of its own; what it leaves running is ended with it. */
async function runSuite (job, env) {
  const { suite, carrier } = job
  const task = { ...job, bundle: pathToFileURL(bundle).href, deadline: TEST_MS }
  const child = fork(path.join(import.meta.dirname, 'suite.mjs'), [JSON.stringify(task)], { cwd: folder, detached: true, env: { ...process.env, ...env } })
  const results = new Map()
  let done = false
  child.on('message', message => {
    if (message.tests !== undefined) for (const test of message.tests) results.set(test, undefined)
    if (message.test !== undefined) results.set(message.test, message)
    if (message.done === true) done = true
    if (message.broken !== undefined) breakages.push(`${suite} over ${carrier}: ${message.broken}`)
  })
  const exited = new Promise(resolve => child.once('exit', (code, signal) => resolve(signal ?? code)))
  const timer = setTimeout(() => endGroup(child), Math.max(0, Math.min(SUITE_MS, endOfRun - Date.now())))
  const status = await exited
  clearTimeout(timer)
  endGroup(child)
  if (results.size === 0) throw new Error(`suite ${suite} over ${carrier} ended with ${status} before it named its tests`)
  if (!done) breakages.push(`${suite} over ${carrier} was ended before it was through (${status})`)
  for (const [test, result] of results) {
    if (result === undefined) results.set(test, { test, state: 'failed', error: `the suite was ended (${status}) before this test's result` })
  }
  return [...results.values()]
}

function endGroup (child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function moduleOf (carrier) {
  return pathToFileURL(carrier.endsWith('.mjs') ? path.resolve(carrier) : path.join(import.meta.dirname, 'carriers', `${carrier}.mjs`)).href
}

/** Keep the totals of carriers and suites that this run left out. */
function writeResults () {
  const written = fs.existsSync(RESULTS) ? JSON.parse(fs.readFileSync(RESULTS, 'utf8')) : {}
  for (const [key, suites] of Object.entries(outcomes)) {
    written[key] ??= {}
    for (const [suite, results] of Object.entries(suites)) written[key][suite] = totals(results)
  }
  fs.writeFileSync(RESULTS, JSON.stringify(written, null, 2) + '\n')
  fs.writeFileSync(DETAILS, JSON.stringify(outcomes, null, 1) + '\n')
}
