// Runs the rows of docs/values.md against a Python process: node values.mjs PYTHON. Prints [{number, sent, back}], each of them {ok, shown}.

import { isDeepStrictEqual, inspect } from 'node:util';
import { fileURLToPath } from 'node:url';
import { connectProcess } from '../../labextension/lib/testing.js';

const port = await connectProcess({
  command: process.argv[2],
  args: [fileURLToPath(new URL('values.py', import.meta.url))],
  env: process.env,
  service: 'values'
});

const answers = [];
const waiting = [];
port.onmessage = event => {
  const wanted = waiting.shift();
  if (wanted) wanted(event.data);
  else answers.push(event.data);
};

function ask(question, transfer = []) {
  port.postMessage(question, transfer);
  return new Promise(resolve => (answers.length ? resolve(answers.shift()) : waiting.push(resolve)));
}

const isPort = value => typeof value?.postMessage === 'function';

async function equal(one, other) {
  if (isPort(one)) return isPort(other);
  if (one instanceof Date) return other instanceof Date && Object.is(one.getTime(), other.getTime());
  if (one instanceof Blob)
    return (
      other instanceof Blob &&
      ['type', 'size', 'name', 'lastModified'].every(name => one[name] === other[name]) &&
      one.constructor === other.constructor &&
      (await one.text()) === (await other.text())
    );
  return isDeepStrictEqual(one, other);
}

/** What this runtime lacks: the page has it. */
function evaluate(text) {
  try {
    return { value: (0, eval)(`(${text})`) };
  } catch (error) {
    if (error instanceof ReferenceError) return null;
    throw error;
  }
}

const results = [];
const count = await ask({});
for (let number = 0; number < count; number++) {
  const text = await ask({ number, text: true });
  const made = evaluate(text);
  if (made === null) {
    results.push({ number, absent: true });
    continue;
  }
  const arrived = await ask({ number });
  const sent = { ok: await equal(made.value, arrived.value), shown: inspect(arrived.value) };
  const { value } = evaluate(text);
  results.push({ number, sent, back: await ask({ number, value }, isPort(value) ? [value] : []) });
}
port.close();
process.stdout.write(JSON.stringify(results));
