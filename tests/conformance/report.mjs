// What must hold of a run: pinned.json (what passes), known-failures.json (what does not, and why) and races.json (what may be lost, and how).

import fs from 'node:fs'
import path from 'node:path'

const PINNED = path.join(import.meta.dirname, 'pinned.json')
const RACES = path.join(import.meta.dirname, 'races.json')
const KNOWN = path.join(import.meta.dirname, 'known-failures.json')
/** Stands where a person has to say why; a run with it left in fails. */
const UNEXPLAINED = 'unexplained'
/** The client that is no part of this project, on its node: what it does is told, and held against nothing. */
const REFERENCE = 'kubo-rpc-client@kubo'

/** Count the results of one suite. */
export function totals (results) {
  const count = state => results.filter(result => result.state === state).length
  return { passed: count('passed'), failed: count('failed'), pending: count('pending'), total: results.length }
}

/**
 * Read the three files. A scope is a client on a node, whatever carries it ("own@kubo"), or one key of the results ("own@stdio@kubo") where carriers differ.
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
    const scopes = [scopeOf(key), key]
    if (scopes[0] === REFERENCE) continue
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

/** The tests of a suite that failed in the way in which they may: something was faster than the test waits for. */
export function lostRaces (races, key, suite, results) {
  const texts = Object.assign({}, ...[scopeOf(key), key].map(scope => races[scope]?.[suite]))
  return results
    .filter(({ test, state, error }) => state === 'failed' && Object.hasOwn(texts, test) && error?.includes(texts[test]))
    .map(({ test }) => test)
}

/**
 * Name what one client passes and another does not, suite by suite, where both have run the suite.
 *
 * @returns {Map<string, string[]>}
 */
export function missedBy (outcomes, ours, reference) {
  const missed = new Map()
  for (const [suite, results] of Object.entries(outcomes[reference] ?? {})) {
    const mine = outcomes[ours]?.[suite]
    if (mine === undefined) continue
    const passed = new Set(mine.filter(({ state }) => state === 'passed').map(({ test }) => test))
    missed.set(suite, results.filter(({ test, state }) => state === 'passed' && !passed.has(test)).map(({ test }) => test))
  }
  return missed
}

/**
 * Take a run as what is expected from now on; reasons already given stay.
 *
 * What comes out alike on all carriers of the run is written for the client on its node, the rest for its carrier.
 */
export function writeExpectations ({ pinned, known }, outcomes) {
  const before = structuredClone(known)
  const outcome = new Map()
  for (const [key, suite, results] of each(outcomes)) {
    const held = scopeOf(key) !== REFERENCE
    if (held) pinned.minimum[key] = { ...pinned.minimum[key], [suite]: totals(results).passed }
    for (const scope of [scopeOf(key), key]) {
      if (held) put(pinned.tests, scope, suite, [])
      put(known, scope, suite, { failed: {}, pending: {} })
    }
    for (const result of results) {
      const id = JSON.stringify([scopeOf(key), suite, result.test])
      outcome.set(id, [...(outcome.get(id) ?? []), { key, result }])
    }
  }
  for (const [id, seen] of outcome) {
    const [scope, suite, test] = JSON.parse(id)
    const alike = seen.every(({ result }) => result.state === seen[0].result.state)
    for (const { key, result } of alike ? [{ key: scope, result: seen[0].result }] : seen) {
      if (result.state === 'passed') {
        pinned.tests[key]?.[suite].push(test)
        continue
      }
      const given = [key, scope].map(where => before[where]?.[suite]?.[result.state]?.[test]).find(reason => reason !== undefined)
      known[key][suite][result.state][test] = given ?? mechanical(result, scope)
    }
  }
  write(PINNED, pinned)
  write(KNOWN, known)
}

/** A client on a node, whatever carries it. */
function scopeOf (key) {
  const [client, , node] = key.split('@')
  return `${client}@${node}`
}

/** What can be said of a failure without a person; why another's client fails it knows best itself. */
function mechanical (result, scope) {
  if (result.missing !== undefined) return `the client has no such method: ${result.missing}`
  return scope === REFERENCE && result.error !== undefined ? shortened(result.error) : UNEXPLAINED
}

function because (result) {
  return result?.error === undefined ? '' : `\n    ${shortened(result.error)}`
}

function shortened (text) {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500)
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
