// What must hold of a run: pinned.json (what passes), known-failures.json (what does not, and why) and races.json (what may be lost, and how).

import fs from 'node:fs'
import path from 'node:path'

const PINNED = path.join(import.meta.dirname, 'pinned.json')
const RACES = path.join(import.meta.dirname, 'races.json')
const KNOWN = path.join(import.meta.dirname, 'known-failures.json')
/** Stands where a person has to say why; a run with it left in fails. */
const UNEXPLAINED = 'unexplained'

/** Count the results of one suite. */
export function totals (results) {
  const count = state => results.filter(result => result.state === state).length
  return { passed: count('passed'), failed: count('failed'), pending: count('pending'), total: results.length }
}

/**
 * Read the three files. A scope is a client, whatever carries it ("old-0.13.1"), or one key of the results ("old-0.13.1@stdio@embedded") where carriers differ.
 *
 * `pinned`: `{minimum: {key: {suite: number}}, tests: {scope: {suite: [name]}}}`.
 * `known`: `{scope: {suite: {failed: {name: reason}, pending: {name: reason}}}}`.
 * `races`: `{scope: {suite: {name: text}}}`, tests in which a true answer may come before the timer that the test waits for; the text is of that answer's error.
 */
export function readExpectations () {
  return { pinned: read(PINNED, { minimum: {}, tests: {} }), known: read(KNOWN, {}), races: read(RACES, {}) }
}

/**
 * Say how a run differs from what is expected of it; every test that does not pass must be known, with a reason.
 *
 * @returns {string[]} one line a difference
 */
export function compare ({ pinned, known, races }, outcomes) {
  const complaints = []
  for (const [key, suite, given] of each(outcomes)) {
    const scopes = [key.split('@')[0], key]
    const lost = new Set(lostRaces(races, key, suite, given))
    const results = given.map(result => lost.has(result.test) ? { ...result, state: 'passed' } : result)
    const byName = new Map(results.map(result => [result.test, result]))
    const { passed } = totals(results)
    const minimum = pinned.minimum[key]?.[suite]
    if (minimum === undefined) complaints.push(`${key} ${suite}: no minimum is pinned`)
    else if (passed < minimum) complaints.push(`${key} ${suite}: ${passed} passed, pinned are ${minimum}`)
    for (const name of scopes.flatMap(scope => pinned.tests[scope]?.[suite] ?? [])) {
      const result = byName.get(name)
      if (result?.state !== 'passed') complaints.push(`${key} ${suite}: pinned, but ${result?.state ?? 'absent'}: ${name}${because(result)}`)
    }
    for (const state of ['failed', 'pending']) {
      const reasons = Object.assign({}, ...scopes.map(scope => known[scope]?.[suite]?.[state]))
      for (const result of results.filter(each => each.state === state)) {
        if (!Object.hasOwn(reasons, result.test)) complaints.push(`${key} ${suite}: ${state} without a reason: ${result.test}${because(result)}`)
        else if (reasons[result.test] === UNEXPLAINED) complaints.push(`${key} ${suite}: still unexplained: ${result.test}${because(result)}`)
      }
      for (const name of Object.keys(reasons)) {
        if (byName.get(name)?.state !== state) complaints.push(`${key} ${suite}: listed as ${state}, but ${byName.get(name)?.state ?? 'absent'}: ${name}`)
      }
    }
  }
  return complaints
}

/** The tests of a suite that failed in the way in which they may: the answer was faster than the test's timer. */
export function lostRaces (races, key, suite, results) {
  const texts = Object.assign({}, ...[key.split('@')[0], key].map(scope => races[scope]?.[suite]))
  return results
    .filter(({ test, state, error }) => state === 'failed' && Object.hasOwn(texts, test) && error?.includes(texts[test]))
    .map(({ test }) => test)
}

/**
 * Take a run as what is expected from now on; reasons already given stay.
 *
 * What comes out alike on all carriers of the run is written for the client, the rest for its carrier.
 */
export function writeExpectations ({ pinned, known }, outcomes) {
  const before = structuredClone(known)
  const outcome = new Map()
  for (const [key, suite, results] of each(outcomes)) {
    pinned.minimum[key] = { ...pinned.minimum[key], [suite]: totals(results).passed }
    for (const scope of [key.split('@')[0], key]) {
      put(pinned.tests, scope, suite, [])
      put(known, scope, suite, { failed: {}, pending: {} })
    }
    for (const result of results) {
      const id = JSON.stringify([key.split('@')[0], suite, result.test])
      outcome.set(id, [...(outcome.get(id) ?? []), { key, result }])
    }
  }
  for (const [id, seen] of outcome) {
    const [client, suite, test] = JSON.parse(id)
    const alike = seen.every(({ result }) => result.state === seen[0].result.state)
    for (const { key, result } of alike ? [{ key: client, result: seen[0].result }] : seen) {
      if (result.state === 'passed') {
        pinned.tests[key][suite].push(test)
        continue
      }
      const given = [key, client].map(scope => before[scope]?.[suite]?.[result.state]?.[test]).find(reason => reason !== undefined)
      known[key][suite][result.state][test] = given ?? mechanical(result)
    }
  }
  write(PINNED, pinned)
  write(KNOWN, known)
}

function mechanical (result) {
  return result.missing === undefined ? UNEXPLAINED : `the client has no such method: ${result.missing}`
}

function because (result) {
  return result?.error === undefined ? '' : `\n    ${result.error.replaceAll(/\s+/g, ' ').slice(0, 500)}`
}

function * each (outcomes) {
  for (const [key, suites] of Object.entries(outcomes)) {
    for (const [suite, results] of Object.entries(suites)) yield [key, suite, results]
  }
}

function put (tree, scope, suite, value) {
  tree[scope] = { ...tree[scope], [suite]: value }
}

function read (file, empty) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : empty
}

function write (file, value) {
  fs.writeFileSync(file, JSON.stringify(value, null, 2) + '\n')
}
