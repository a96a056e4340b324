// The clients that the suites are run through, by the name they have in build/conformance.json.

import { IPFSClient as OldClient } from 'ipfs-message-port-client'
import { IPFSClient } from '../../labextension/lib/index.js'

const clients = {
  'old-0.13.1': port => OldClient.from(port),
  own: port => IPFSClient.from(port)
}

/** Make the client of that name on a port. */
export function connectClient (name, port) {
  if (!Object.hasOwn(clients, name)) {
    throw new Error(`no client ${name}: there are ${Object.keys(clients).join(', ')}`)
  }
  return clients[name](port)
}
