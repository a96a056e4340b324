/**
 * The front end of the anywidget that runs a `%%ipfs_js` cell where the labextension is missing, and with it the library for the widgets of others
 * (`ipfs_comm.widgets.esm`).
 */

import { adopt, begin, type Holder, isKnown, type OpenCell, release } from './cell/live.js';
import { inert } from './cell/snapshot.js';
import { IPFSClient } from './client/index.js';
import { connectModel, type ModelLike } from './connect.js';

/** The traits of the kernel's end: `token`, `state` ("waiting", "done"), and `html`, the stored drawing or text. */
interface CellModel extends ModelLike {
  get(name: 'token' | 'state' | 'html'): string;
}

/** As long as a timer can be: a kernel with one thread answers when it has run the cells before, however long they take. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

interface RenderProps {
  readonly model: CellModel;
  readonly el: HTMLElement;
}

function render({ model, el }: RenderProps): () => void {
  const holder: Holder = {
    onfree: () => {
      live = adopt(token, holder);
      if (live) el.replaceChildren(live.element);
    }
  };
  const token = model.get('token');
  let live = adopt(token, holder);
  const showStored = (): void => {
    live = null;
    el.replaceChildren(inert(model.get('html')));
  };
  const onState = (): void => {
    if (!live) showStored();
  };
  if (!live && model.get('state') === 'waiting' && token !== '' && !isKnown(token)) {
    const open: OpenCell = (params, signal) => connectModel(model, { service: 'cell', params, signal, timeout: NO_DEADLINE_MS });
    live = begin(token, holder, open, port => IPFSClient.from(port as MessagePort));
    live.ran.then(
      ran => {
        if (!ran) showStored();
      },
      (error: unknown) => {
        showStored();
        el.append(`ipfs_comm: ${error instanceof Error ? error.message : String(error)}`);
      }
    );
  }
  if (live) el.replaceChildren(live.element);
  else showStored();
  model.on('change:state', onState);
  model.on('change:html', onState);
  return () => {
    model.off('change:state', onState);
    model.off('change:html', onState);
    release(token, holder);
  };
}

export { connectModel, IPFSClient };
export default { render };
