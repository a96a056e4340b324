/** Why a carrier over a kernel ended, in words that name what is missing where and the command that mends it. */

import { IPFSCommError, LinkError } from '../../errors.js';
import type { CommFrontend, KernelLike } from './kernel.js';

const LOAD = 'run `%load_ext ipfs_comm` in the notebook';
const INSTALL = 'if that says that there is no module named ipfs_comm, run `%pip install ipfs-comm` first';

/** The end of a carrier for good. `reason` tells programs apart what the message tells people. */
export class CarrierError extends LinkError {
  constructor(
    message: string,
    readonly reason: 'kernel' | 'no-target' | 'closed' | 'silence'
  ) {
    super(message);
  }

  /** The kernel went away or restarted. */
  static ofKernel(kernel: CommFrontend, state: string): CarrierError {
    const what =
      state === 'restarting' || state === 'autorestarting'
        ? `The ${named(kernel)} restarted, and with it went its IPFS node: ${LOAD} again.`
        : `The ${named(kernel)} is ${state}: start or restart it (menu Kernel), then ${LOAD}.`;
    return new CarrierError(what, 'kernel');
  }

  /** The kernel closed the comm: before any answer that means that it has no such target. */
  static closedByKernel(kernel: CommFrontend, target: string, answered: boolean): CarrierError {
    return answered
      ? new CarrierError(`The ${named(kernel)} closed the comm: ${LOAD} again.`, 'closed')
      : new CarrierError(`The ${named(kernel)} has no comm target "${target}": ${LOAD}; ${INSTALL}.`, 'no-target');
  }

  /** Nothing answered in time. */
  static ofSilence(kernel: CommFrontend, target: string, seconds: number): CarrierError {
    const lead = `Within ${seconds} s nothing answered for "${target}" in the ${named(kernel)}`;
    const connection = kernel.connectionStatus;
    if (connection !== undefined && connection !== 'connected') {
      return new CarrierError(`${lead}: the page is not connected to the kernel (${connection}); wait or reload the page.`, 'silence');
    }
    const state =
      kernel.status === 'busy'
        ? ', which is busy: interrupt it or wait, then '
        : kernel.status === undefined
          ? ': '
          : ` (${kernel.status}): `;
    return new CarrierError(`${lead}${state}${LOAD}; ${INSTALL}.`, 'silence');
  }
}

/** That a carrier is lost: the link may go on over another one. */
export class CarrierLost extends IPFSCommError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'ERR_CARRIER', cause });
  }

  /** The frontend refused to send. */
  static ofSend(kernel: CommFrontend, cause: unknown): CarrierLost {
    const text = cause instanceof Error ? cause.message : String(cause);
    const state = kernel.status === undefined ? '' : ` (${kernel.status})`;
    return new CarrierLost(`Nothing can be sent to the ${named(kernel)}${state}: ${text}.`, cause);
  }

  /** The page has lost its connection to the server. */
  static ofConnection(kernel: KernelLike): CarrierLost {
    return new CarrierLost(`The page is not connected to the ${named(kernel)} (${kernel.connectionStatus}).`);
  }
}

function named({ name }: CommFrontend): string {
  return name === undefined ? 'kernel' : `kernel ${name}`;
}
