/** A message becomes a value: its Blobs are gathered first, then it is built. */

import { ProtocolError } from '../../errors.js';
import { type Deserialized, deserialize } from '../clone/index.js';
import { RemoteBlob } from './remote-blob.js';
import { discard, type Message, Seat } from './seat.js';

/** Bring the bytes of the message's Blobs here; null if there is nothing to wait for. */
export function gather(message: Message): Promise<void> | null {
  const { resources } = message;
  if (!resources.some(resource => resource instanceof RemoteBlob)) return null;
  return Promise.all(
    resources.map(async (resource, at) => {
      if (resource instanceof RemoteBlob) resources[at] = await resource.fetch();
    })
  ).then(() => undefined);
}

/** A value with the ports that came with it. */
export interface Opened<P> extends Deserialized {
  /** Those of the sender's transfer list, in order. */
  readonly ports: readonly P[];
}

/**
 * Build the value of a message whose Blobs are here.
 *
 * @param makePort - puts a port on a seat.
 * @throws whatever `deserialize` throws; the ports of the message are closed then.
 */
export function open<P extends object>(message: Message, makePort: (seat: Seat) => P): Opened<P> {
  const { resources } = message;
  const ports = new Map<number, P>();
  const portAt = (index: number): P | undefined => {
    const resource = resources[index];
    if (!(resource instanceof Seat)) return undefined;
    const port = ports.get(index) ?? makePort(resource);
    ports.set(index, port);
    return port;
  };
  try {
    resources.forEach((_, index) => portAt(index));
    const opened = deserialize(message, {
      port: index => portAt(index) ?? missing('port', index, resources.length),
      blob: index => {
        const resource = resources[index];
        if (resource === undefined || resource instanceof Seat || resource instanceof RemoteBlob)
          return missing('Blob', index, resources.length);
        // Another object, of this realm, on the same bytes.
        return new Blob([resource], { type: resource.type });
      }
    });
    return { ...opened, ports: [...ports.values()] };
  } catch (error) {
    if (error instanceof ProtocolError) message.reject?.(error);
    discard(message);
    throw error;
  }
}

function missing(what: string, index: number, count: number): never {
  throw new ProtocolError(`an entry that names ${what} ${index} of a message with ${count} ports`);
}
