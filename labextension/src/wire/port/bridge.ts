/**
 * A native MessagePort in place of one of ours, to be transferred to a worker or a frame.
 *
 * A native port takes whatever is posted and tells nobody how much waits in it, and there is no acknowledging with a client that knows of none. So
 * what is on its way through a bridge is bounded where things are asked for: an answer for each query, an item of a stream for each `next`. What
 * is read ahead of a stream waits on this side of the bridge, under its credit, and a Blob is gathered here before it is passed on. Towards the link,
 * what a worker posts waits in the link's queue until the window lets it go.
 */

import { InvalidInputError } from '../../errors.js';
import { nativeOn } from './native.js';
import { type Port, unseat } from './port.js';

/**
 * Turn a port into a native one. The given port is dead from then on, as if it had been transferred.
 *
 * @throws InvalidInputError if the port is closed or was transferred.
 */
export function bridge(port: Port): MessagePort {
  const seat = unseat(port);
  if (seat === null) throw new InvalidInputError('a port that is closed or was transferred cannot be bridged');
  return nativeOn(seat);
}
