// What the tests ask of JupyterLab in the page; put into every page before it loads.

window.lab = {
  get panel() {
    return window.jupyterapp?.shell?.currentWidget ?? null;
  },
  get kernel() {
    return this.panel?.sessionContext?.session?.kernel ?? null;
  },
  get ready() {
    const { panel, kernel } = this;
    return !!panel?.content?.model && kernel?.connectionStatus === 'connected' && ['idle', 'busy'].includes(kernel.status);
  },
  get idle() {
    return this.kernel?.status === 'idle';
  },
  cell(index) {
    return this.panel.content.model.cells.get(index);
  },
  state(index) {
    const { executionCount, outputs } = this.cell(index);
    return { count: executionCount ?? null, outputs: outputs?.toJSON() ?? [] };
  },
  finished() {
    const cells = [...this.panel.content.model.cells].filter(cell => cell.type === 'code');
    return this.idle && cells.every(cell => cell.executionCount !== null || !cell.sharedModel.getSource().trim());
  },
  ran(index, before) {
    const { executionCount } = this.cell(index);
    return this.idle && executionCount !== null && executionCount !== before;
  },
  start(index) {
    const { content } = this.panel;
    content.deselectAll();
    content.activeCellIndex = index;
    void window.jupyterapp.commands.execute('notebook:run-cell');
  },
  async shown(index) {
    const { content } = this.panel;
    await content.scrollToItem(index);
    return content.widgets[index].outputArea.node.innerText;
  },
  async load(name, source) {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    window[name] = await import(url);
    URL.revokeObjectURL(url);
  },
  /** Look again in every turn until it is so. */
  async until(predicate) {
    while (!predicate()) await new Promise(resolve => setTimeout(resolve, 5));
  },
  /** All bytes of a stream. */
  async collect(stream) {
    const parts = [];
    for await (const part of stream) parts.push(part);
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  },
  /** A client of somebody else's on a port of ours. */
  async client(options = {}) {
    return window.theirs.IPFSClient.from(await window.ours.connect(this.kernel, options));
  }
};
