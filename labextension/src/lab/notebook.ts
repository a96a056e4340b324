/** What one notebook does with `%%ipfs_js` cells: renders their outputs, and begins those that no output shows yet. */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Widget } from '@lumino/widgets';
import { type IIpfs, IPFSClient, type KernelLike } from 'ipfs-comm';

import { begin, type Holder, isKnown, type LiveCell, type OpenCell, release } from '../cell/live.js';
import { CELL_TYPE, type CellData, CellRenderer, type Registry } from './renderer.js';

/** Better than text/html and text/plain, which the same output carries for everybody else. */
const RANK = -10;

/** How long a notebook's session may take to have a kernel. */
const SESSION_WAIT_MS = 5_000;

/** How long after a change of the notebook it is looked for outputs that are gone. */
const PRUNE_AFTER_MS = 1_000;

/** How long an output may take to be rendered before its cell begins without it. */
const RENDER_WAIT_MS = 100;

/** The parts of a NotebookPanel that are needed, by shape: other extensions make panels of their own. */
export interface PanelLike extends Widget {
  readonly content?: {
    readonly rendermime?: Registry & { addFactory(factory: IRenderMime.IRendererFactory, rank?: number): void };
    readonly model?: { readonly cells: Iterable<CellLike> } | null;
  };
}

interface CellLike {
  readonly outputs?: { readonly length: number; get(index: number): { readonly data: Record<string, unknown> } };
}

/** The `%%ipfs_js` cells of one notebook. */
export class NotebookCells {
  /** JupyterLab renders no output of a cell that is scrolled out of sight; the drawing of such a cell is kept here until it does. */
  private readonly parked: Holder = { parking: true };
  private readonly tokens = new Set<string>();
  private readonly session: ISessionContext;
  private pruning: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly panel: PanelLike,
    context: DocumentRegistry.Context,
    private readonly ipfs: IIpfs
  ) {
    this.session = context.sessionContext;
    const registry = panel.content?.rendermime;
    if (!registry) return;
    const createRenderer = (): IRenderMime.IRenderer => new CellRenderer(registry, (token, holder) => this.begin(token, holder));
    registry.addFactory({ safe: false, mimeTypes: [CELL_TYPE], defaultRank: RANK, createRenderer }, RANK);
    this.session.iopubMessage.connect(this.onMessage);
    context.model.contentChanged.connect(this.onChange);
    panel.disposed.connect(() => {
      this.session.iopubMessage.disconnect(this.onMessage);
      context.model.contentChanged.disconnect(this.onChange);
      clearTimeout(this.pruning);
      for (const token of this.tokens) release(token, this.parked);
    });
  }

  private begin(token: string, holder: Holder): LiveCell {
    const open: OpenCell = async (params, signal) => this.ipfs.connect(await this.kernel(), { service: 'cell', params, signal });
    return begin(token, holder, open, port => IPFSClient.from(port as MessagePort));
  }

  private readonly onMessage = (_: unknown, message: { header: { msg_type: string }; content: object }): void => {
    if (message.header.msg_type !== 'display_data') return;
    const data = (message.content as { data?: Record<string, unknown> }).data?.[CELL_TYPE] as CellData | undefined;
    const token = data?.token;
    if (data?.version !== 1 || data.state !== 'waiting' || typeof token !== 'string') return;
    setTimeout(() => {
      // Every notebook on this kernel hears the message; only the one that got the output begins the cell.
      if (isKnown(token) || this.panel.isDisposed || !this.held().has(token)) return;
      this.tokens.add(token);
      this.begin(token, this.parked).ran.then(ran => {
        if (!ran) this.tokens.delete(token);
      }, reportError);
    }, RENDER_WAIT_MS);
  };

  /** An output that was never rendered has nobody to release its cell when it is gone: run again, cleared, deleted. */
  private readonly onChange = (): void => {
    if (this.tokens.size === 0 || this.pruning !== undefined) return;
    this.pruning = setTimeout(() => {
      this.pruning = undefined;
      const held = this.held();
      for (const token of this.tokens) {
        if (held.has(token)) continue;
        this.tokens.delete(token);
        release(token, this.parked);
      }
    }, PRUNE_AFTER_MS);
  };

  /** The tokens of all outputs. */
  private held(): Set<unknown> {
    const held = new Set<unknown>();
    for (const { outputs } of this.panel.content?.model?.cells ?? []) {
      for (let index = 0; index < (outputs?.length ?? 0); index++) {
        held.add((outputs?.get(index).data[CELL_TYPE] as CellData | undefined)?.token);
      }
    }
    return held;
  }

  /** The notebook's own kernel connection, the one that handles comms. */
  private async kernel(): Promise<KernelLike> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SESSION_WAIT_MS);
    });
    await Promise.race([this.session.ready, limit]);
    clearTimeout(timer);
    const kernel = this.session.session?.kernel;
    if (!kernel) throw new Error('this notebook has no kernel: start one and run the cell again.');
    return kernel;
  }
}
