// Commands as lines of JSON on standard input, answers as lines on standard output.

import readline from 'node:readline';

// What libraries write to the console must not come between the answers.
console.log = console.info = console.debug = console.error;

/** Run what is asked for, one after the other, until standard input ends; the process ends then. */
export async function answerCommands(commands) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { command, args } = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await commands[command](args)) ?? null };
    } catch (error) {
      answer = { error: String(error?.stack ?? error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}
