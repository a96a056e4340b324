// The HTTP server from which the suites add by URL.

import http from 'node:http'

/**
 * Serve `/download?data=TEXT` (the text itself) and `/redirect?to=URL` on the loopback interface.
 *
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function startEcho () {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (url.pathname === '/download') {
      response.end(url.searchParams.get('data') ?? '')
      return
    }
    if (url.pathname === '/redirect') {
      // The target is the rest of the query as it stands: the suite does not escape its "&" and "?".
      response.writeHead(302, { location: (request.url ?? '').split('?to=', 2)[1] ?? '' }).end()
      return
    }
    response.writeHead(404).end()
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address()
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise(resolve => {
      server.closeAllConnections()
      server.close(() => resolve(undefined))
    })
  }
}
