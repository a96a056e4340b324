import { describe } from 'vitest';

import * as impl from '../fixtures/channel.mjs';
import { type Case, caseTest, casesOf, runner, withFixtures } from '../support.js';

interface Runner {
  runScenario(theCase: Case, impl: object): Promise<{ status: 'pass' | 'fail'; detail?: string }>;
}

/** Ms after which a message that has not come counts as never coming. All cases wait at once, so that patience costs little. */
const patience = { ...impl, settleMs: 400 };

describe.concurrent('a port behaves as a MessagePort', () => {
  withFixtures(() => {
    for (const theCase of casesOf('clone/port_cases.json').filter(({ level }) => level === 'must')) {
      caseTest(theCase.id, async () => {
        const { runScenario } = await runner<Runner>('mp_core.mjs');
        const { status, detail } = await runScenario(theCase, patience);
        if (status !== 'pass') throw new Error(`${status}: ${detail ?? ''}`);
      });
    }
  });
});
