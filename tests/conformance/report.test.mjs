// The gate itself: what it lets through and what it does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, missedBy, totals } from './report.mjs'
import { missingMethod } from './missing.mjs'

const KEY = 'old@stdio@embedded'
const SCOPE = 'old@embedded'
const expectations = {
  pinned: { minimum: { [KEY]: { root: 2 } }, tests: { [SCOPE]: { root: ['adds'] }, [KEY]: { root: ['lists'] } } },
  known: { [SCOPE]: { root: { failed: { gets: 'the client has no such method: get' }, pending: { sleeps: 'switched off in the suite' } } } },
  races: { [SCOPE]: { root: { lists: 'was not found' } } }
}
const asExpected = [
  { test: 'adds', state: 'passed' },
  { test: 'lists', state: 'passed' },
  { test: 'gets', state: 'failed', error: 'ipfs.get is not a function' },
  { test: 'sleeps', state: 'pending' }
]
const run = results => compare(expectations, { [KEY]: { root: results } })
const changed = (name, state) => asExpected.map(result => result.test === name ? { ...result, state, error: 'broke' } : result)

test('a run that came out as expected passes', () => {
  assert.deepEqual(run(asExpected), [])
})

test('totals count every test once', () => {
  assert.deepEqual(totals(asExpected), { passed: 2, failed: 1, pending: 1, total: 4 })
})

test('a pinned test that fails is named, with its error, and so is the fallen total', () => {
  const complaints = run(changed('lists', 'failed'))
  assert.ok(complaints.includes(`${KEY} root: 1 passed, pinned are 2`))
  assert.ok(complaints.includes(`${KEY} root: pinned, but failed: lists\n    broke`))
})

test('a pinned test may not become pending', () => {
  assert.ok(run(changed('adds', 'pending')).some(line => line.includes('pinned, but pending: adds')))
})

test('a race may be lost to the true answer, and to nothing else', () => {
  assert.deepEqual(run(changed('lists', 'failed').map(result => ({ ...result, error: 'the block was not found' }))), [])
  assert.notDeepEqual(run(changed('adds', 'failed').map(result => ({ ...result, error: 'the block was not found' }))), [])
})

test('a test that is gone is missed', () => {
  assert.ok(run(asExpected.slice(1)).some(line => line.includes('pinned, but absent: adds')))
})

test('a failure without a reason is named', () => {
  assert.ok(run([...asExpected, { test: 'new', state: 'failed', error: 'why' }]).some(line => line.includes('failed without a reason: new')))
})

test('a known failure that passes has to be taken off the list', () => {
  assert.ok(run(changed('gets', 'passed')).some(line => line.includes('listed as failed, but passed: gets')))
})

test('a suite without a pinned minimum does not pass', () => {
  assert.ok(compare({ pinned: { minimum: {}, tests: {} }, known: {}, races: {} }, { [KEY]: { dag: [] } }).some(line => line.includes('no minimum is pinned')))
})

test('an error that is no TypeError names no missing method', () => {
  assert.equal(missingMethod(new Error('ipfs.get is not a function'), {}), undefined)
})

test('what only the other client passes is named, where both have run', () => {
  const outcomes = {
    a: { root: [{ test: 'both', state: 'passed' }, { test: 'one', state: 'failed' }] },
    b: { root: [{ test: 'both', state: 'passed' }, { test: 'one', state: 'passed' }], dag: [{ test: 'else', state: 'passed' }] }
  }
  assert.deepEqual(missedBy(outcomes, 'a', 'b'), new Map([['root', ['one']]]))
})

test('what is expected of a client on one node is not expected of it on another', () => {
  const kubo = compare({ ...expectations, pinned: { ...expectations.pinned, minimum: { 'old@stdio@kubo': { root: 0 } } } }, { 'old@stdio@kubo': { root: asExpected } })
  assert.ok(kubo.some(line => line.includes('failed without a reason: gets')))
})

test("Kubo's own client is held to nothing", () => {
  assert.deepEqual(compare(expectations, { 'kubo-rpc-client@http@kubo': { root: changed('adds', 'failed') } }), [])
})
