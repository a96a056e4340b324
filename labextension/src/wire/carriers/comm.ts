/** The carrier *comm*: an ordinary JupyterLab comm, out on the shell channel, back on iopub. */

import { CarrierError, CarrierLost } from './ended.js';
import { GenericCarrier } from './generic.js';
import { type CommLike, isConnected, type KernelLike, watchConnection, watchKernel } from './kernel.js';

/** How long a comm waits for the subshell that JupyterLab may be starting for it; without subshells the promise never resolves. */
const SUBSHELL_WAIT_MS = 400;

/**
 * A generic carrier over a kernel connection whose doings are known.
 *
 * JupyterLab moves comms to a subshell of the kernel, which answers while a cell runs; a `comm_open` that is sent before the subshell has
 * started would wait behind the running cell. While the connection is down it keeps whatever is sent, so nothing is.
 */
export class CommCarrier extends GenericCarrier {
  override readonly name = 'comm';
  private readonly watches: (() => void)[] = [];
  private prepared = false;

  constructor(
    private readonly kernel: KernelLike,
    target: string
  ) {
    super(kernel, target);
  }

  protected override ready(): boolean {
    return this.prepared && isConnected(this.kernel);
  }

  protected override watch(): void {
    this.watches.push(
      watchKernel(this.kernel, state => this.end(CarrierError.ofKernel(this.kernel, state))),
      watchConnection(this.kernel, connected => {
        if (connected) this.flush();
        else if (this.answered) this.end(CarrierLost.ofConnection(this.kernel));
      })
    );
  }

  protected override unwatch(): void {
    for (const stop of this.watches.splice(0)) stop();
  }

  protected override prepare(comm: CommLike): void {
    const go = (): void => {
      clearTimeout(timer);
      if (this.prepared) return;
      this.prepared = true;
      this.flush();
    };
    const timer = setTimeout(go, SUBSHELL_WAIT_MS);
    this.watches.push(() => clearTimeout(timer));
    // A subshell that could not be started leaves the main shell, which is what there would be without subshells.
    (comm.subshellStarted ?? Promise.resolve()).then(go, go);
  }
}
