/** Why a carrier over a kernel ended, in words that name what is missing where and the command that mends it. */

import { LinkError } from '../../errors.js';
import type { KernelLike } from './kernel.js';

const LOAD = 'run `%load_ext ipfs_comm` in the notebook';
const INSTALL = 'if that says that there is no module named ipfs_comm, run `%pip install ipfs-comm` first';

/** The end of a carrier. `reason` tells programs apart what the message tells people. */
export class CarrierError extends LinkError {
  constructor(
    message: string,
    readonly reason: 'kernel' | 'no-target' | 'closed' | 'send' | 'silence'
  ) {
    super(message);
  }

  /** The kernel went away or restarted. */
  static ofKernel(kernel: KernelLike, state: string): CarrierError {
    const what =
      state === 'restarting' || state === 'autorestarting'
        ? `The kernel ${kernel.name} restarted, and with it went its IPFS node: ${LOAD} again.`
        : `The kernel ${kernel.name} is ${state}: start or restart it (menu Kernel), then ${LOAD}.`;
    return new CarrierError(what, 'kernel');
  }

  /** The kernel closed the comm: before any answer that means that it has no such target. */
  static closedByKernel(kernel: KernelLike, target: string, answered: boolean): CarrierError {
    return answered
      ? new CarrierError(`The kernel ${kernel.name} closed the comm: ${LOAD} again.`, 'closed')
      : new CarrierError(`The kernel ${kernel.name} has no comm target "${target}": ${LOAD}; ${INSTALL}.`, 'no-target');
  }

  /** JupyterLab refused to send. */
  static ofSend(kernel: KernelLike, cause: unknown): CarrierError {
    const text = cause instanceof Error ? cause.message : String(cause);
    return new CarrierError(`Nothing can be sent to the kernel ${kernel.name} (${kernel.status}): ${text}.`, 'send');
  }

  /** Nothing answered in time. */
  static ofSilence(kernel: KernelLike, target: string, seconds: number): CarrierError {
    const lead = `Within ${seconds} s nothing answered for "${target}" in the kernel ${kernel.name}`;
    const connection = kernel.connectionStatus;
    if (connection !== undefined && connection !== 'connected') {
      return new CarrierError(`${lead}: the page is not connected to the kernel (${connection}); wait or reload the page.`, 'silence');
    }
    const state = kernel.status === 'busy' ? 'which is busy: interrupt it or wait, then ' : `(${kernel.status}): `;
    return new CarrierError(`${lead} ${state}${LOAD}; ${INSTALL}.`, 'silence');
  }
}
