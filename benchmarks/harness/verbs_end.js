// The core API's verbs, timed, through any client: ours, the unmodified one, in JupyterLab, in a page with a SharedWorker, in Node.
//
// Who is given the same seed makes the same bytes, so that two nodes can be held to the same CIDs. What a verb gives back is compared with those
// bytes after the clock has stopped.

const CHUNK = 256 * 1024;
const MIB = 2 ** 20;

/** Bytes that look like noise and follow from the seed alone. */
export function noise(length, seed) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6a09e667) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

const numbered = (seed, number) => Math.imul(seed, 65537) + number;
const label = number => String(number).padStart(6, '0');

/** A small value with a link, as a page keeps one. */
const node = (seed, number, link) => ({
  number,
  title: `entry ${seed}.${number}`,
  tags: ['a', 'b', 'c', 'd'],
  digest: noise(32, numbered(seed, number)).slice(),
  link
});

/** The ways in which a page may have the bytes of a file. */
const sources = {
  array: bytes => bytes,
  blob: bytes => new Blob([bytes]),
  iterable(bytes) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.slice(at, at + CHUNK));
    return (async function* () {
      yield* chunks;
    })();
  },
  subarrays: bytes =>
    (async function* () {
      for (let at = 0; at < bytes.length; at += MIB) yield bytes.subarray(at, at + MIB);
    })()
};

async function timed(work) {
  const begun = performance.now();
  const value = await work();
  return [performance.now() - begun, value];
}

/** Run `job(0) … job(count - 1)`, so many at a time. */
async function under(inFlight, count, job) {
  const results = new Array(count);
  let next = 0;
  const caller = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await job(i);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return results;
}

/** Whether two arrays of bytes are equal, or an error; `from` is where `found` begins in what is expected. */
function same(found, expected, what, from = 0) {
  let at = from + found.length <= expected.length ? 0 : -1;
  while (at >= 0 && at < found.length) at = found[at] === expected[from + at] ? at + 1 : -1;
  if (at < 0) throw new Error(`${what}: bytes from ${from} to ${from + found.length} that are not those that were put`);
}

/**
 * Commands for the verbs; each takes one object and returns JSON: how long it took in ms, and the CIDs that came of it.
 *
 * @param clientOf finds a client by name.
 */
export function createVerbs(clientOf) {
  /** CIDs that were put, as the client's own objects. */
  const kept = new Map();

  return {
    async addBytes({ client, how, total, seed }) {
      const bytes = noise(total, seed);
      const source = sources[how](bytes);
      const [ms, { cid, size }] = await timed(() => clientOf(client).add(source));
      if (size < total) throw new Error(`add took ${size} bytes of ${total}`);
      return { ms, bytes: total, cids: [String(cid)] };
    },
    async catBytes({ client, cid, total, seed }) {
      const chunks = [];
      const [ms] = await timed(async () => {
        for await (const chunk of clientOf(client).cat(cid)) chunks.push(chunk);
      });
      const bytes = noise(total, seed);
      let at = 0;
      for (const chunk of chunks) {
        same(chunk, bytes, 'cat', at);
        at += chunk.length;
      }
      if (at !== total) throw new Error(`cat gave ${at} bytes of ${total}`);
      return { ms, bytes: total };
    },
    async putBlocks({ client, size, count, seed, inFlight = 1 }) {
      const blocks = Array.from({ length: count }, (_, i) => noise(size, numbered(seed, i)));
      const [ms, cids] = await timed(() =>
        under(inFlight, count, i => clientOf(client).block.put(blocks[i], { format: 'raw', mhtype: 'sha2-256', version: 1 }))
      );
      kept.set(`blocks ${client} ${seed}`, cids);
      return { ms, count, cids: cids.map(String) };
    },
    async getBlocks({ client, size, from, count, seed, inFlight }) {
      const cids = kept.get(`blocks ${client} ${seed}`);
      const [ms, blocks] = await timed(() => under(inFlight, count, i => clientOf(client).block.get(cids[from + i])));
      blocks.forEach((block, i) => {
        if (block.length !== size) throw new Error(`block.get gave ${block.length} bytes of ${size}`);
        same(block, noise(size, numbered(seed, from + i)), 'block.get');
      });
      return { ms, count };
    },
    async putNodes({ client, count, seed, inFlight = 1 }) {
      const link = await clientOf(client).block.put(noise(64, seed), { format: 'raw', mhtype: 'sha2-256', version: 1 });
      const nodes = Array.from({ length: count }, (_, i) => node(seed, i, link));
      const [ms, cids] = await timed(() => under(inFlight, count, i => clientOf(client).dag.put(nodes[i])));
      kept.set(`nodes ${client} ${seed}`, { link, cids });
      return { ms, count, cids: cids.map(String) };
    },
    async getNodes({ client, from, count, seed, inFlight }) {
      const { link, cids } = kept.get(`nodes ${client} ${seed}`);
      const [ms, found] = await timed(() => under(inFlight, count, i => clientOf(client).dag.get(cids[from + i])));
      found.forEach(({ value }, i) => {
        const expected = node(seed, from + i, link);
        same(value.digest, expected.digest, 'dag.get');
        if (value.title !== expected.title || String(value.link) !== String(link)) throw new Error('dag.get: another node');
      });
      return { ms, count };
    },
    /** So many small files in one directory, whose CID is the last. */
    async addFiles({ client, count, size, seed }) {
      const files = Array.from({ length: count }, (_, i) => ({ path: `d/${label(i)}`, content: noise(size, numbered(seed, i)).slice() }));
      const [ms, cids] = await timed(async () => {
        const added = [];
        for await (const { cid } of clientOf(client).addAll(files)) added.push(String(cid));
        return added;
      });
      if (cids.length !== count + 1) throw new Error(`addAll gave ${cids.length} entries for ${count} files and a directory`);
      return { ms, count, cids };
    },
    async listFiles({ client, cid, count, size }) {
      const entries = [];
      const [ms] = await timed(async () => {
        for await (const entry of clientOf(client).ls(cid)) entries.push(entry);
      });
      const odd = entries.find((entry, i) => entry.name !== label(i) || entry.size < size || entry.type !== 'file');
      if (entries.length !== count || odd) throw new Error(`ls gave ${entries.length} entries of ${count}, among them ${odd?.name}`);
      return { ms, count, cids: entries.map(entry => String(entry.cid)) };
    },
    collectGarbage: () => void globalThis.gc?.()
  };
}
