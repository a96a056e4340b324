// A DNS server over HTTPS's messages (RFC 8484) on plain HTTP, with the TXT records of the domains that the suites resolve.

import http from 'node:http'

const TXT = 16
const NO_ERROR = 0
const NO_SUCH_NAME = 3
const TTL_SECONDS = 60

/** As they stood when the suites were written: a name that leads to a name, and names that lead to content. */
const RECORDS = {
  '_dnslink.ipfs.io': 'dnslink=/ipns/website.ipfs.io',
  '_dnslink.website.ipfs.io': 'dnslink=/ipfs/QmXoypizjW3WknFiJnKLwHCnL72vedxjQkDDP1mXWo6uco',
  '_dnslink.docs.ipfs.io': 'dnslink=/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
  '_dnslink.tr.wikipedia-on-ipfs.org': 'dnslink=/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn'
}

/**
 * Serve on the loopback interface.
 *
 * @returns {Promise<{url: string, close: () => Promise<void>}>} where a node is to ask
 */
export async function startDns () {
  const server = http.createServer(async (request, response) => {
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    response.writeHead(200, { 'content-type': 'application/dns-message' }).end(answer(Buffer.concat(pieces)))
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${server.address().port}/dns-query`,
    close: () => new Promise(resolve => {
      server.closeAllConnections()
      server.close(() => resolve(undefined))
    })
  }
}

/** The message that answers a query of one question. */
function answer (query) {
  const labels = []
  let at = 12
  while (query[at] > 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]))
    at += 1 + query[at]
  }
  const question = query.subarray(12, at + 5)
  const name = labels.join('.').toLowerCase()
  const text = query.readUInt16BE(at + 1) === TXT && Object.hasOwn(RECORDS, name) ? Buffer.from(RECORDS[name]) : undefined
  const head = Buffer.alloc(12)
  head.writeUInt16BE(query.readUInt16BE(0), 0)
  // An answer, with recursion as it was asked for, and available.
  head.writeUInt16BE(0x8000 | (query.readUInt16BE(2) & 0x0100) | 0x0080 | (text === undefined ? NO_SUCH_NAME : NO_ERROR), 2)
  head.writeUInt16BE(1, 4)
  if (text === undefined) return Buffer.concat([head, question])
  head.writeUInt16BE(1, 6)
  const record = Buffer.alloc(13)
  // The name is that of the question, which begins at byte 12.
  record.writeUInt16BE(0xc00c, 0)
  record.writeUInt16BE(TXT, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(TTL_SECONDS, 6)
  record.writeUInt16BE(text.length + 1, 10)
  record.writeUInt8(text.length, 12)
  return Buffer.concat([head, question, record, text])
}
