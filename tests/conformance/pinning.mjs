// The pinning service that the suite's authors tested with, on a port of this machine.

import http from 'node:http'

const KEY = 'a key of this run'

/**
 * Start the service.
 *
 * @returns {Promise<{url: string, key: string, close: () => Promise<void>}>}
 */
export async function startPinningService () {
  const { setup } = (await import('mock-ipfs-pinning-service')).default
  const server = http.createServer(await setup({ token: KEY }))
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    key: KEY,
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
