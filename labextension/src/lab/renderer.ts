/** The renderer of `%%ipfs_js` outputs: runs the cell that waits, and otherwise shows what is stored. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';

import { adopt, type Holder, isKnown, type LiveCell, release } from '../cell/live.js';

/** MIME type of the output of a `%%ipfs_js` cell: `{"version": 1, "token": …, "state": "waiting" | "done"}`. */
export const CELL_TYPE = 'application/vnd.ipfs-comm.cell+json';

/** The part of a rendermime registry that is needed. */
export interface Registry {
  preferredMimeType(bundle: IRenderMime.IMimeModel['data'], safe?: 'ensure' | 'prefer' | 'any'): string | undefined;
  createRenderer(mimeType: string): IRenderMime.IRenderer;
  createModel(options: { data: IRenderMime.IMimeModel['data']; trusted: boolean }): IRenderMime.IMimeModel;
}

/** The data of such an output; from a file, so nothing in it is certain. */
export interface CellData {
  readonly version?: unknown;
  readonly token?: unknown;
  readonly state?: unknown;
}

/** Shows one `%%ipfs_js` output. */
export class CellRenderer extends Panel implements IRenderMime.IRenderer, Holder {
  private token: string | null = null;
  private live: LiveCell | null = null;
  /** What the output holds now. */
  private model: IRenderMime.IMimeModel | null = null;

  constructor(
    private readonly registry: Registry,
    private readonly begin: (token: string, holder: Holder) => LiveCell
  ) {
    super();
    this.addClass('jp-ipfs-comm-cell');
  }

  /** Called with the waiting output, and again when the kernel has updated it. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    const { version, token, state } = (model.data[CELL_TYPE] ?? {}) as CellData;
    if (version !== 1 || typeof token !== 'string') {
      await this.showStored();
      return;
    }
    if (this.token !== null && this.token !== token) this.letGo();
    this.token = token;
    // The drawing of this very page stays: it is alive, and what is stored is only its picture.
    if (this.showLive(adopt(token, this))) return;
    if (state !== 'waiting' || isKnown(token)) {
      await this.showStored();
      return;
    }
    this.showLive(this.begin(token, this));
  }

  /** The output that had the drawing is gone. */
  onfree(): void {
    if (this.token !== null) this.showLive(adopt(this.token, this));
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.letGo();
    super.dispose();
  }

  private letGo(): void {
    if (this.token !== null) release(this.token, this);
    this.token = null;
    this.live = null;
  }

  private showLive(cell: LiveCell | null): boolean {
    if (!cell) return false;
    if (this.live !== cell) {
      this.clear();
      const host = new Widget();
      host.addClass('jp-ipfs-comm-live');
      host.node.append(cell.element);
      this.addWidget(host);
      this.live = cell;
      // Not awaited: an output counts as rendered when it can be seen, and JupyterLab holds further messages back until then.
      cell.ran
        .then(
          ran => (ran ? undefined : this.showInstead(cell)),
          (error: unknown) => this.showInstead(cell, error)
        )
        .catch(reportError);
    }
    return true;
  }

  /** Show what is stored instead of a cell that this page did not run, unless something else is shown by now. */
  private async showInstead(cell: LiveCell, error?: unknown): Promise<void> {
    if (this.live !== cell) return;
    await this.showStored();
    if (error !== undefined) this.showNotice(error);
  }

  /** Show what the output carries for frontends without this renderer. Never as trusted: that would run its scripts. */
  private async showStored(): Promise<void> {
    const { model } = this;
    if (this.isDisposed || !model) return;
    this.live = null;
    this.clear();
    const data = Object.fromEntries(Object.entries(model.data).filter(([type]) => type !== CELL_TYPE));
    const type = this.registry.preferredMimeType(data, 'ensure');
    if (type === undefined) return;
    const renderer = this.registry.createRenderer(type);
    this.addWidget(renderer);
    await renderer.renderModel(this.registry.createModel({ data, trusted: false }));
  }

  private showNotice(error: unknown): void {
    if (this.isDisposed) return;
    const notice = new Widget();
    notice.addClass('jp-ipfs-comm-notice');
    notice.node.textContent = `ipfs_comm: ${error instanceof Error ? error.message : String(error)}`;
    this.addWidget(notice);
  }

  private clear(): void {
    for (const widget of [...this.widgets]) widget.dispose();
  }
}
