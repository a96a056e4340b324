// Which method of the client a failed test wanted and did not find, read from the line of the suite that threw.

import fs from 'node:fs'
import { fileURLToPath } from 'node:url'

const FRAME = /\(?(file:\/\/[^\s()]*interface-ipfs-core\/src\/[^\s()]*):(\d+):\d+\)?$/
const CALL = /\bipfs\.([A-Za-z]+(?:\.[A-Za-z]+)*)/g

/**
 * Name the method that is missing in a client, "pin.ls" for example.
 *
 * @param {unknown} error what the test failed with
 * @param {object | undefined} api the client
 * @returns {string | undefined} undefined where the failure has another cause
 */
export function missingMethod (error, api) {
  if (!(error instanceof TypeError) || api === undefined) return undefined
  for (const frame of (error.stack ?? '').split('\n')) {
    const place = FRAME.exec(frame.trim())
    if (place === null) continue
    const line = fs.readFileSync(fileURLToPath(place[1]), 'utf8').split('\n')[Number(place[2]) - 1] ?? ''
    return [...line.matchAll(CALL)].map(match => match[1]).find(path => !has(api, path))
  }
  return undefined
}

function has (api, path) {
  let value = api
  for (const name of path.split('.')) {
    value = value?.[name]
  }
  return typeof value === 'function'
}
