// Replays the recorded wire transcripts against the Python server: node replay.mjs [--only PART-OF-AN-ID] [--strict]

import { spawn } from 'node:child_process'
import path from 'node:path'
import { interpreter, sharedFixtures } from './repo.mjs'

const RUN_MS = 180_000
const fixtures = sharedFixtures()
const tool = path.join(fixtures, 'tools', 'wire_replay.mjs')
const transcripts = path.join(fixtures, 'wire', 'transcripts.json')
const server = path.join(import.meta.dirname, 'replay-server.mjs')

const child = spawn(process.execPath, [tool, '--impl', server, ...process.argv.slice(2), transcripts], {
  detached: true,
  stdio: 'inherit',
  env: { ...process.env, IPFS_COMM_PYTHON: process.env.IPFS_COMM_PYTHON ?? interpreter() }
})
const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), RUN_MS)
child.once('exit', (code, signal) => {
  clearTimeout(timer)
  if (signal !== null) console.error(`the replay was ended by ${signal} (its deadline is ${RUN_MS / 1000} s)`)
  process.exitCode = code ?? 1
})
