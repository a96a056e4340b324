// Bundles the npm package: lib/index.js and lib/testing.js, each one self-contained ESM file for browsers and Node >= 20.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { metafile } = await build({
  absWorkingDir: dirname(fileURLToPath(import.meta.url)),
  entryPoints: ['src/index.ts', 'src/testing.ts'],
  outdir: 'lib',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  // testing.js takes these when a process is asked for, so a browser never meets them.
  external: ['node:*'],
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true
});

for (const [file, { imports }] of Object.entries(metafile.outputs)) {
  const bare = imports.filter(({ path, kind }) => !(file.endsWith('testing.js') && kind === 'dynamic-import' && path.startsWith('node:')));
  if (bare.length > 0) throw new Error(`${file} still imports ${bare.map(({ path }) => path).join(', ')}`);
}
