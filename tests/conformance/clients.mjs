// The clients that the suites are run through, by the name they have in build/conformance.json.

import { IPFSClient as OldClient } from 'ipfs-message-port-client'

const clients = {
  'old-0.13.1': async () => OldClient,
  own: async bundle => (await import(bundle)).IPFSClient
}

/**
 * Load the client of that name; what is returned makes one on a port.
 *
 * @param {string} name as in build/conformance.json
 * @param {string} bundle URL of our client as own-client.mjs makes it
 */
export async function loadClient (name, bundle) {
  if (!Object.hasOwn(clients, name)) {
    throw new Error(`no client ${name}: there are ${Object.keys(clients).join(', ')}`)
  }
  const Client = await clients[name](bundle)
  return port => Client.from(port)
}
