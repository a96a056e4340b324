// Our client as an application's bundler would make it: with the copy of multiformats that the application has, here the suites' own.

import path from 'node:path'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { REPO } from './repo.mjs'

const PACKAGE = path.join(REPO, 'labextension')

/**
 * Bundle the client from its sources.
 *
 * @param {string} file where the bundle goes
 */
export async function buildOwnClient (file) {
  const esbuild = createRequire(path.join(PACKAGE, 'package.json')).resolve('esbuild')
  const { default: { build } } = await import(pathToFileURL(esbuild).href)
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ['src/index.ts'],
    outfile: file,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [{
      name: 'multiformats of the suites',
      setup: ({ onResolve }) => onResolve({ filter: /^multiformats(\/|$)/ }, ({ path: name }) => ({ path: import.meta.resolve(name), external: true }))
    }]
  })
}
