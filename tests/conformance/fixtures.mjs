// The folder of test files that the suites read and that their npm package does not carry.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** An earlier release of the suites, whose package still carried its files. One of them is in no other place; tests of pins know its CID. */
const EARLIER = path.dirname(fileURLToPath(import.meta.resolve('interface-ipfs-core-fixtures/package.json')))
/** Text with the CID QmdbAjVmLRdpFyi8FFvjPfhTGB2cVXvWLuK7Sbt38HXrtt, which the suite asks of the hidden file. */
const HIDDEN = 'Aha! You found me!\n'

/** CARs that suites import, by the names of those that are the same in the shared fixtures. */
const CARS = {
  'combined_naked_roots_genesis_and_128.car': 'combined_naked_roots_genesis_and_128.car',
  'lotus_devnet_genesis.car': 'lotus_devnet_genesis.car',
  'lotus_devnet_genesis_shuffled_nulroot.car': 'lotus_devnet_genesis_shuffled_nulroot.car',
  'lotus_testnet_export_128.car': 'sample-v1.car'
}

/**
 * Lay out `interface-ipfs-core/test/fixtures` under a folder, the shared files as links to where they are.
 *
 * The suites look for their files relative to the working directory, so a suite runs with `root` as its own.
 *
 * @param {string} root the folder, made anew
 * @param {string} shared the folder of shared fixtures
 */
export function layOutFixtures (root, shared) {
  const data = path.join(shared, 'interface', 'data')
  if (!fs.existsSync(data)) {
    throw new Error(`no test files in ${data}: set IPFS_COMM_FIXTURES to the folder that holds interface/data`)
  }
  fs.rmSync(root, { recursive: true, force: true })
  const to = path.join(root, 'interface-ipfs-core', 'test', 'fixtures')
  const folder = path.join(to, 'test-folder')
  link(path.join(data, 'test-folder'), folder)
  fs.symlinkSync(path.join(EARLIER, 'test', 'fixtures', 'test-folder', 'ipfs-add.js'), path.join(folder, 'ipfs-add.js'))
  link(path.join(data, 'refs-test'), path.join(to, 'refs-test'))
  link(path.join(data, 'test-folder'), path.join(to, 'weird name folder [v0]'))
  write(path.join(to, 'weird name folder [v0]', 'ipfs-add'), 'a file without an extension\n')
  write(path.join(to, 'hidden-files-folder', '.hiddenTest.txt'), HIDDEN)
  const cars = path.join(shared, 'car', 'data')
  for (const [name, source] of Object.entries(CARS)) {
    const target = path.join(to, 'car', name)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.symlinkSync(path.join(cars, source), target)
  }
  link(path.join(data, 'test-folder', 'files'), path.join(to, 'hidden-files-folder', 'files'))
}

function link (from, to) {
  fs.mkdirSync(to, { recursive: true })
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name)
    const target = path.join(to, entry.name)
    if (entry.isDirectory()) link(source, target)
    else fs.symlinkSync(source, target)
  }
}

function write (file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}
