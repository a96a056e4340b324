// The page's end of the measurements, for a page of JupyterLab and for Node alike.
//
// A medium says operations to the kernel's end (`kernel_end.py`), with bytes where there are some, and hears its answers. The raw hook, an
// ordinary comm and a port are media; what is measured over them is written once.

const RAW = 'bench-raw';
const COMM = 'bench-comm';
const MIB = 2 ** 20;
/** Without a byte or an answer for that long a measurement is given up, ms. */
const PATIENCE = 20_000;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Comm messages on the control channel with nothing on top. */
export function rawMedium(kernel) {
  const commId = `${RAW}-${crypto.randomUUID()}`;
  const medium = { hear: () => undefined, say, close };
  kernel.anyMessage.connect(onMessage);
  return medium;

  function onMessage(_, { msg, direction }) {
    if (direction === 'recv' && msg.channel === 'control' && msg.content.comm_id === commId)
      medium.hear(msg.content.data, msg.buffers?.[0]);
  }
  function say(operation, bytes) {
    const header = {
      date: new Date().toISOString(),
      msg_id: crypto.randomUUID(),
      msg_type: 'comm_msg',
      session: kernel.clientId,
      username: kernel.username,
      version: '5.3'
    };
    const content = { comm_id: commId, data: operation };
    const buffers = bytes === undefined ? [] : [bytes];
    kernel
      .sendControlMessage(
        {
          channel: 'control',
          header,
          parent_header: {},
          metadata: {},
          content,
          buffers
        },
        false,
        true
      )
      .dispose();
  }
  function close() {
    kernel.anyMessage.disconnect(onMessage);
  }
}

/** A comm as any extension would use one. */
export async function commMedium(kernel) {
  const comm = kernel.createComm(COMM);
  const medium = { hear: () => undefined, say, close: () => void comm.close() };
  comm.onMsg = msg => void medium.hear(msg.content.data, msg.buffers?.[0]);
  comm.open({});
  if (comm.subshellStarted) await Promise.race([comm.subshellStarted, sleep(1000)]);
  return medium;

  function say(operation, bytes) {
    comm.send(operation, {}, bytes === undefined ? [] : [bytes], true);
  }
}

/** A port of ours. */
export function portMedium(port) {
  const medium = {
    hear: () => undefined,
    say,
    close: () => port.close(),
    port
  };
  port.onmessage = ({ data }) => {
    if (ArrayBuffer.isView(data)) medium.hear({ op: 'data' }, data);
    else medium.hear(data, data.payload);
  };
  return medium;

  function say(operation, bytes) {
    if (operation.op === 'data') port.postMessage(new Uint8Array(bytes));
    else if (bytes === undefined) port.postMessage(operation);
    else port.postMessage({ ...operation, payload: new Uint8Array(bytes) });
  }
}

/** A promise that fails when nothing has touched it for a while. */
function patient(what) {
  let timer,
    touched = performance.now();
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => {
    deferred.resolve = value => (clearInterval(timer), resolve(value));
    timer = setInterval(() => {
      if (performance.now() - touched < PATIENCE) return;
      clearInterval(timer);
      reject(new Error(`${what}: nothing came for ${PATIENCE / 1000} s`));
    }, 500);
  });
  deferred.touch = () => (touched = performance.now());
  return deferred;
}

/** One operation and its echo, one after the other; the times in ms. */
async function echo(medium, { count, ms = Infinity, bytes }) {
  const payload = bytes ? new ArrayBuffer(bytes) : undefined;
  const times = [];
  const until = performance.now() + ms;
  while (times.length < count && performance.now() < until) {
    const waiting = patient('an echo');
    medium.hear = waiting.resolve;
    const begun = performance.now();
    medium.say({ op: 'echo' }, payload);
    await waiting.promise;
    times.push(performance.now() - begun);
  }
  return times;
}

/** Echoes a second with so many under way. */
async function flight(medium, { inFlight, ms }) {
  const waiting = patient('echoes');
  let done = 0,
    under = 0;
  const begun = performance.now();
  medium.hear = () => {
    done++;
    under--;
    waiting.touch();
    if (performance.now() - begun < ms) next();
    else if (under === 0) waiting.resolve();
  };
  const next = () => (under++, medium.say({ op: 'echo' }));
  for (let i = 0; i < inFlight; i++) next();
  await waiting.promise;
  return (done * 1000) / (performance.now() - begun);
}

const ackEvery = credit => Math.max(1, Math.min(MIB, credit / 4));

/** Bytes from the kernel: `total` of them, or what comes in `ms`. */
async function down(medium, { total = Infinity, ms = Infinity, fragment, credit }) {
  const waiting = patient('a stream down');
  const every = ackEvery(credit);
  let received = 0,
    told = 0,
    took = null,
    counted = 0;
  const begun = performance.now();
  medium.hear = (operation, bytes) => {
    waiting.touch();
    if (operation.op === 'stopped') return waiting.resolve();
    received += bytes.byteLength;
    if (took !== null) return;
    const now = performance.now() - begun;
    if (received >= total || now >= ms) {
      [took, counted] = [now, received];
      medium.say({ op: 'stop' });
    } else if (received - told >= every) {
      told = received;
      medium.say({ op: 'ack', bytes: received });
    }
  };
  medium.say({
    op: 'down',
    count: Number.isFinite(total) ? Math.ceil(total / fragment) : Number.MAX_SAFE_INTEGER,
    fragment,
    credit
  });
  await waiting.promise;
  return { bytes: counted, ms: took };
}

/** Bytes to the kernel, likewise; what it has not acknowledged does not count. */
async function up(medium, { total = Infinity, ms = Infinity, fragment, credit }) {
  const waiting = patient('a stream up');
  const chunk = new ArrayBuffer(fragment);
  for (let at = 0; at < fragment; at += 65536) crypto.getRandomValues(new Uint8Array(chunk, at, Math.min(65536, fragment - at)));
  let sent = 0,
    acked = 0,
    ended = false,
    late = null;
  const begun = performance.now();
  const pump = () => {
    while (!ended && sent - acked < credit) {
      sent += fragment;
      medium.say({ op: 'data' }, chunk);
      if (sent >= total) end();
    }
  };
  const end = () => {
    ended = true;
    medium.say({ op: 'end' });
  };
  medium.hear = operation => {
    waiting.touch();
    if (operation.op === 'ended') return waiting.resolve(operation.bytes);
    acked = operation.bytes;
    if (!ended && performance.now() - begun >= ms) {
      late = { bytes: acked, ms: performance.now() - begun };
      end();
    }
    pump();
  };
  medium.say({ op: 'up', every: ackEvery(credit) });
  pump();
  const bytes = await waiting.promise;
  if (bytes !== sent) throw new Error(`${sent} bytes went up and ${bytes} arrived`);
  return late ?? { bytes, ms: performance.now() - begun };
}

const streams = { down, up };

/**
 * Everything that a script may ask of this end, by name; each takes one object and returns JSON.
 *
 * @param host `connect(id, wsUrl)` gives a kernel connection; `files()` the files that were chosen; `client(how)` a client of another sort as
 *   `{port, ipfs}`.
 * @param ours, theirs our npm package and the unmodified client.
 * @param verbs makes further commands of a function that finds a client by name.
 */
export function createBench(host, { ours, theirs }, verbs = () => ({})) {
  const connections = new Map();
  const media = new Map();
  const clients = new Map();
  const running = new Map();
  let lost = 0,
    tasks = [],
    observer = null;

  const execute = async (kernel, code, expressions = {}) => {
    const { content } = await kernel.requestExecute({
      code,
      user_expressions: expressions,
      store_history: false
    }).done;
    if (content.status !== 'ok') throw new Error(`${code}: ${content.ename}: ${content.evalue}`);
    return Object.fromEntries(
      Object.entries(content.user_expressions).map(([name, value]) => [name, value.data?.['text/plain'] ?? value.evalue])
    );
  };

  const trips = async (kernel, over, pause) => {
    const times = [];
    do {
      const begun = performance.now();
      await execute(kernel, '1');
      times.push(performance.now() - begun);
      await sleep(pause);
    } while (!over());
    return times;
  };

  const commands = {
    async open({ connection, id, wsUrl }) {
      const kernel = await host.connect(id, wsUrl);
      kernel.connectionStatusChanged.connect((_, status) => (lost += status === 'connected' ? 0 : 1));
      await kernel.info;
      connections.set(connection, kernel);
    },
    shut({ connection }) {
      connections.get(connection).dispose();
      connections.delete(connection);
    },
    execute: ({ connection, code, expressions }) => execute(connections.get(connection), code, expressions),
    /** Begin a cell and do not wait for it. */
    begin: ({ connection, code }) => void running.set(connection, execute(connections.get(connection), code)),
    async finish({ connection }) {
      await running.get(connection);
    },
    /** How often a connection was lost since the last time this was asked. */
    losses: () => [lost, (lost = 0)][0],
    collect: () => void globalThis.gc?.(),

    async medium({ name, kind, connection }) {
      const kernel = connections.get(connection);
      if (kind === 'port') media.set(name, portMedium(await ours.connect(kernel)));
      else media.set(name, kind === 'raw' ? rawMedium(kernel) : await commMedium(kernel));
    },
    /** A second port on the link of a medium. */
    branch({ name, of }) {
      const { port1, port2 } = ours.channel();
      media.get(of).port.postMessage({ op: 'port' }, [port2]);
      media.set(name, portMedium(port1));
    },
    close({ medium }) {
      media.get(medium).close();
      media.delete(medium);
    },
    /** What packets a connection carries while a stream runs: the bytes of a full one, each way. */
    async packets({ connection, measure, stream }) {
      const kernel = connections.get(connection);
      const sizes = { send: [], recv: [] };
      const watch = (_, { msg, direction }) => {
        if (msg.channel !== 'control' || !msg.buffers?.length) return;
        sizes[direction].push(msg.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0));
      };
      kernel.anyMessage.connect(watch);
      await commands[measure](stream);
      kernel.anyMessage.disconnect(watch);
      const full = found => {
        const large = found.filter(size => size > found.reduce((a, b) => Math.max(a, b), 0) / 2).sort((a, b) => a - b);
        return large[large.length >> 1] ?? 0;
      };
      return { down: full(sizes.recv), up: full(sizes.send) };
    },

    echo: ({ medium, ...rest }) => echo(media.get(medium), rest),
    flight: ({ medium, ...rest }) => flight(media.get(medium), rest),
    down: ({ medium, ...rest }) => down(media.get(medium), rest),
    up: ({ medium, ...rest }) => up(media.get(medium), rest),
    /** A stream, and echoes on another medium or cells beside it. */
    async beside({ medium, direction, stream, probe, connection, pause }) {
      let over = false;
      const flowing = streams[direction](media.get(medium), stream).finally(() => (over = true));
      await Promise.race([flowing, sleep(Math.min(2000, (stream.ms ?? 1000) / 10))]);
      const times = [];
      if (connection) times.push(...(await trips(connections.get(connection), () => over, pause)));
      while (probe && !over) {
        times.push(...(await echo(media.get(probe), { count: 1 })));
        await sleep(pause);
      }
      return { ...(await flowing), times };
    },
    async cells({ connection, count, pause = 100 }) {
      return trips(connections.get(connection), () => --count <= 0, pause);
    },

    /** From `connect(kernel)` to the first answer, ms. */
    async connectTime({ connection }) {
      const begun = performance.now();
      const port = await ours.connect(connections.get(connection));
      await theirs.IPFSClient.from(port).block.put(new Uint8Array([1, 2, 3]));
      const ms = performance.now() - begun;
      port.close();
      return ms;
    },
    async client({ name, connection, own = false }) {
      const port = await ours.connect(connections.get(connection));
      clients.set(name, { port, ipfs: (own ? ours : theirs).IPFSClient.from(port) });
    },
    /** A client of the host's own, on no connection of these. */
    async foreign({ name, ...how }) {
      clients.set(name, await host.client(how));
    },
    hangUp({ client }) {
      clients.get(client).port.close();
      clients.delete(client);
    },
    /** Small calls a second through the client. */
    async calls({ client, inFlight, ms }) {
      const { ipfs } = clients.get(client);
      const cid = await ipfs.block.put(new Uint8Array([1, 2, 3]));
      const until = performance.now() + ms;
      let done = 0;
      const begun = performance.now();
      const caller = async () => {
        for (; performance.now() < until; done++) await ipfs.block.stat(cid);
      };
      await Promise.all(Array.from({ length: inFlight }, caller));
      return (done * 1000) / (performance.now() - begun);
    },
    async callTimes({ client, count }) {
      const { ipfs } = clients.get(client);
      const cid = await ipfs.block.put(new Uint8Array([1, 2, 3]));
      const times = [];
      while (times.length < count) {
        const begun = performance.now();
        await ipfs.block.stat(cid);
        times.push(performance.now() - begun);
      }
      return times;
    },
    async cat({ client, total }) {
      const { ipfs } = clients.get(client);
      const begun = performance.now();
      let bytes = 0;
      for await (const chunk of ipfs.cat(`/ipfs/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku/${total}`))
        bytes += chunk.byteLength;
      if (bytes !== total) throw new Error(`cat gave ${bytes} bytes of ${total}`);
      return { bytes, ms: performance.now() - begun };
    },
    async add({ client, total, piece }) {
      const { ipfs } = clients.get(client);
      const chunk = new Uint8Array(piece);
      async function* pieces() {
        for (let sent = 0; sent < total; sent += piece) yield chunk;
      }
      const begun = performance.now();
      const { size } = await ipfs.add(pieces());
      if (size !== total) throw new Error(`add took ${size} bytes of ${total}`);
      return { bytes: total, ms: performance.now() - begun };
    },
    /** Add the file that was chosen, as a page does. */
    async addFile({ client }) {
      const [file] = await host.files();
      const begun = performance.now();
      const { cid } = await clients.get(client).ipfs.add(file);
      return {
        bytes: file.size,
        ms: performance.now() - begun,
        cid: String(cid)
      };
    },

    /** Note tasks of the main thread over 50 ms from now on. */
    watchTasks() {
      tasks = [];
      observer ??= new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)));
      observer.observe({ type: 'longtask' });
    },
    async tasks() {
      await sleep(100);
      tasks.push(...observer.takeRecords().map(entry => entry.duration));
      observer.disconnect();
      return tasks;
    }
  };
  return { ...commands, ...verbs(name => clients.get(name).ipfs) };
}
