// The Python of the repository's environment.

import fs from 'node:fs'
import path from 'node:path'

const VENV = path.resolve(import.meta.dirname, '../../.venv')

/** The interpreter of .venv, or the one on the search path where there is no .venv. */
export function interpreter () {
  const candidates = [path.join(VENV, 'bin', 'python'), path.join(VENV, 'Scripts', 'python.exe')]
  return candidates.find(file => fs.existsSync(file)) ?? 'python3'
}
