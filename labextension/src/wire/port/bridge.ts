/** A native MessagePort in place of one of ours, to be transferred to a worker or a frame. */

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
