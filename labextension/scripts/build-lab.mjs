// Builds what the Python package ships: the prebuilt labextension, and the front end of the widget.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

if (!existsSync(join(root, 'lib/index.js'))) {
  throw new Error('lib/index.js is missing: run `npm run build:lib` first');
}

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  logLevel: 'warning',
  legalComments: 'none'
};

await Promise.all([
  // The plugins take the rest of this package from the page, where its token must be one object for all extensions.
  build({ ...common, entryPoints: ['src/lab/index.ts'], outfile: 'build/lab/index.js', external: ['@lumino/*', 'ipfs-comm'] }),
  build({ ...common, entryPoints: ['src/widget.ts'], outfile: '../ipfs_comm/widgets/static/widget.js', minify: true })
]);

// The description of JupyterLab's core comes from node_modules, so nothing is looked up over the network.
execFileSync(
  process.execPath,
  [
    require.resolve('@jupyter/builder/lib/build-labextension.js'),
    '--core-package-file',
    require.resolve('@jupyterlab/core-meta/core.package.json'),
    root
  ],
  { cwd: root, stdio: 'inherit' }
);
