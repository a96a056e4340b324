// Where things are: the repository, its Python, the shared fixtures.

import fs from 'node:fs'
import path from 'node:path'

export const REPO = path.resolve(import.meta.dirname, '../..')

/** The interpreter of .venv, or the one on the search path where there is no .venv. */
export function interpreter () {
  const candidates = [path.join(REPO, '.venv', 'bin', 'python'), path.join(REPO, '.venv', 'Scripts', 'python.exe')]
  return candidates.find(file => fs.existsSync(file)) ?? 'python3'
}

/** The folder of shared fixtures: IPFS_COMM_FIXTURES, or beside the repository. */
export function sharedFixtures () {
  return path.resolve(REPO, process.env.IPFS_COMM_FIXTURES ?? '../shared/fixtures')
}
