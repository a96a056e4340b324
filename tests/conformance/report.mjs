// What must hold of a run: pinned.json (what passes) and known-failures.json (what does not, and why).

import fs from 'node:fs'
import path from 'node:path'

const PINNED = path.join(import.meta.dirname, 'pinned.json')
const KNOWN = path.join(import.meta.dirname, 'known-failures.json')
/** Stands where a person has to say why; a run with it left in fails. */
const UNEXPLAINED = 'unexplained'

/** Count the results of one suite. */
export function totals (results) {
  const count = state => results.filter(result => result.state === state).length
  return { passed: count('passed'), failed: count('failed'), pending: count('pending'), total: results.length }
}

/**
 * Read both files.
 *
 * `pinned`: `{minimum: {key: {suite: number}}, tests: {client: {suite: [name]}}}`.
 * `known`: `{client: {suite: {failed: {name: reason}, pending: {name: reason}}}}`.
 */
export function readExpectations () {
  return { pinned: read(PINNED, { minimum: {}, tests: {} }), known: read(KNOWN, {}) }
}

/**
 * Say how a run differs from what is expected of it; every test that does not pass must be known, with a reason.
 *
 * @returns {string[]} one line a difference
 */
export function compare ({ pinned, known }, outcomes) {
  const complaints = []
  for (const [key, suite, results] of each(outcomes)) {
    const client = key.split('@')[0]
    const byName = new Map(results.map(result => [result.test, result]))
    const { passed } = totals(results)
    const minimum = pinned.minimum[key]?.[suite] ?? Infinity
    if (passed < minimum) complaints.push(`${key} ${suite}: ${passed} passed, pinned are ${minimum}`)
    for (const name of pinned.tests[client]?.[suite] ?? []) {
      const result = byName.get(name)
      if (result?.state !== 'passed') complaints.push(`${key} ${suite}: pinned, but ${result?.state ?? 'absent'}: ${name}${because(result)}`)
    }
    for (const state of ['failed', 'pending']) {
      const reasons = known[client]?.[suite]?.[state] ?? {}
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

/** Take a run as what is expected from now on; reasons already given stay. */
export function writeExpectations ({ pinned, known }, outcomes) {
  for (const [key, suite, results] of each(outcomes)) {
    const client = key.split('@')[0]
    const names = state => results.filter(result => result.state === state)
    pinned.minimum[key] = { ...pinned.minimum[key], [suite]: totals(results).passed }
    pinned.tests[client] = { ...pinned.tests[client], [suite]: names('passed').map(result => result.test) }
    const before = known[client]?.[suite] ?? {}
    known[client] = { ...known[client], [suite]: {} }
    for (const state of ['failed', 'pending']) {
      known[client][suite][state] = Object.fromEntries(names(state).map(result => [result.test, before[state]?.[result.test] ?? reason(result)]))
    }
  }
  fs.writeFileSync(PINNED, JSON.stringify(pinned, null, 2) + '\n')
  fs.writeFileSync(KNOWN, JSON.stringify(known, null, 2) + '\n')
}

function reason (result) {
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

function read (file, empty) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : empty
}
