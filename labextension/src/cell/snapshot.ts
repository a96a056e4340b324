/** What a notebook keeps of a cell's drawing: plain HTML that stands without the page that made it. */

/** Most bytes of one picture, and of the whole HTML. */
const MAX_PICTURE = 4 * 2 ** 20;
const MAX_HTML = 8 * 2 ** 20;

/** How long a picture may take to be read back. */
const PICTURE_WAIT_MS = 2_000;

/** Elements whose loss or reading back needs a hand. */
const PICTURES = 'img, canvas, video, audio, source';

/** Elements that run or fetch code, and attributes that hold addresses. */
const ACTIVE = 'script, iframe, frame, object, embed, link, meta, base, portal, animate, set';
const ADDRESS = /^(href|src|action|formaction|data|xlink:href)$/i;

/**
 * HTML of the content of `element`, with pictures from `blob:` addresses and canvases as `data:` addresses.
 *
 * Such an address names memory of this page, so after a reload it would name nothing.
 *
 * @returns null if there is no content.
 */
export async function snapshot(element: HTMLElement): Promise<string | null> {
  if (!element.hasChildNodes()) return null;
  const copy = element.cloneNode(true) as HTMLElement;
  const live = [...element.querySelectorAll<HTMLElement>(PICTURES)];
  const kept = [...copy.querySelectorAll<HTMLElement>(PICTURES)];
  await Promise.all(
    kept.map(async (node, index) => {
      const original = live[index];
      if (original) await keep(original, node);
    })
  );
  disarm(copy);
  const html = copy.innerHTML;
  return html.length <= MAX_HTML
    ? html
    : `<p>This output (${size(html.length)}) is too large to be stored; run the cell again to see it.</p>`;
}

/** A stored drawing as nodes that run nothing. */
export function inert(html: string): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  disarm(parsed.body);
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed.body.childNodes);
  return fragment;
}

/** Take out whatever could run or load code when the HTML is shown again: frontends run the scripts of trusted outputs at each reload. */
function disarm(root: HTMLElement): void {
  for (const node of root.querySelectorAll(ACTIVE)) node.remove();
  for (const node of root.querySelectorAll('*')) {
    for (const { name, value } of [...node.attributes]) {
      if (/^on/i.test(name) || (ADDRESS.test(name) && /^[\s\p{Cc}]*(javascript|vbscript):/iu.test(value))) node.removeAttribute(name);
    }
  }
}

async function keep(live: HTMLElement, copy: HTMLElement): Promise<void> {
  if (live instanceof HTMLCanvasElement) {
    replace(copy, picture(live), live);
  } else if (live instanceof HTMLImageElement) {
    if (live.src.startsWith('blob:')) replace(copy, await within(addressOf(live)), live);
  } else if (copy.getAttribute('src')?.startsWith('blob:')) {
    copy.replaceWith(note(`[${copy.localName}: not stored]`));
  }
}

/** Put an image with the address in the place of `copy`, or a note that there was one. */
function replace(copy: HTMLElement, address: string | null, live: HTMLImageElement | HTMLCanvasElement): void {
  if (address === null || address.length > MAX_PICTURE * 1.4) {
    copy.replaceWith(note('[picture: too large or gone, not stored]'));
    return;
  }
  const image = document.createElement('img');
  for (const { name, value } of copy.attributes) if (name !== 'src') image.setAttribute(name, value);
  if (live instanceof HTMLCanvasElement) image.width = live.width;
  image.src = address;
  copy.replaceWith(image);
}

/** The bytes behind a `blob:` address, or once that was revoked, the pixels. */
async function addressOf(image: HTMLImageElement): Promise<string | null> {
  try {
    const blob = await (await fetch(image.src)).blob();
    return blob.size > MAX_PICTURE ? null : await dataAddress(blob);
  } catch {
    // Revoked, as good manners have it after `onload`: what is painted can still be read.
    await image.decode().catch(() => undefined);
    if (image.naturalWidth === 0) return null;
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    return picture(canvas);
  }
}

function picture(canvas: HTMLCanvasElement): string | null {
  try {
    return canvas.toDataURL();
  } catch {
    // A canvas with pixels of another origin cannot be read.
    return null;
  }
}

function dataAddress(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error('a picture could not be read'));
    reader.readAsDataURL(blob);
  });
}

function within(promise: Promise<string | null>): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<null>(resolve => {
    timer = setTimeout(() => resolve(null), PICTURE_WAIT_MS);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

function note(text: string): HTMLElement {
  const span = document.createElement('span');
  span.textContent = text;
  return span;
}

function size(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
