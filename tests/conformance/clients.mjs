// The clients that the suites are run through, by the name they have in build/conformance.json.

import { IPFSClient as OldClient } from 'ipfs-message-port-client'

/** How each makes a client of a node as its carrier gives it: on a port, or at a URL. */
const clients = {
  'old-0.13.1': async () => ({ port }) => OldClient.from(port),
  own: async bundle => {
    const { IPFSClient } = await import(bundle)
    return ({ port }) => IPFSClient.from(port)
  },
  'kubo-rpc-client': async () => atUrl(await import('kubo-rpc-client')),
  // Of another generation of packages than the suites: for what is measured.
  'kubo-rpc-client-newest': async () => atUrl(await import('kubo-rpc-client-newest'))
}

function atUrl ({ create }) {
  return ({ url }) => create({ url })
}

/**
 * Load the client of that name; what is returned makes one of a node.
 *
 * @param {string} name as in build/conformance.json
 * @param {string} bundle URL of our client as own-client.mjs makes it
 */
export async function loadClient (name, bundle) {
  if (!Object.hasOwn(clients, name)) {
    throw new Error(`no client ${name}: there are ${Object.keys(clients).join(', ')}`)
  }
  return clients[name](bundle)
}
