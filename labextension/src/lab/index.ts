/** The JupyterLab plugins. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { connect, IIpfs, IPFSClient } from 'ipfs-comm';

import type { PanelLike } from './notebook.js';

const ports: JupyterFrontEndPlugin<IIpfs> = {
  id: 'ipfs-comm:ports',
  description: 'Message ports to the IPFS node of a kernel.',
  autoStart: true,
  provides: IIpfs,
  activate: (): IIpfs => ({
    connect: (kernel, options = {}) => connect(kernel, { ...options, native: false }),
    client: async (kernel, options = {}) => IPFSClient.from(await connect(kernel, { ...options, native: false }))
  })
};

const cells: JupyterFrontEndPlugin<void> = {
  id: 'ipfs-comm:cells',
  description: 'Runs %%ipfs_js cells in the page.',
  autoStart: true,
  requires: [IIpfs],
  activate: async (app: JupyterFrontEnd, ipfs: IIpfs): Promise<void> => {
    const { NotebookCells } = await import('./notebook.js');
    const extended = new Set<string>();
    const extend = (name: string): void => {
      const { docRegistry } = app;
      if (extended.has(name) || docRegistry.getWidgetFactory(name)?.modelName !== 'notebook') return;
      extended.add(name);
      docRegistry.addWidgetExtension(name, {
        createNew: (panel: PanelLike, context) => {
          new NotebookCells(panel, context, ipfs);
        }
      });
    };
    for (const { name } of app.docRegistry.widgetFactories()) extend(name);
    app.docRegistry.changed.connect((_, change) => {
      if (change.type === 'widgetFactory' && change.change === 'added' && change.name !== undefined) extend(change.name);
    });
  }
};

export default [ports, cells];
