import { describe } from 'vitest';

import * as impl from '../fixtures/channel.mjs';
import { type Case, caseTest, casesOf, runner, withFixtures } from '../support.js';

interface Runner {
  runScenario(theCase: Case, impl: object): Promise<{ status: 'pass' | 'fail'; detail?: string }>;
}

/** Ms after which a message that has not come counts as never coming: these machines are busy. The cases wait side by side. */
const PATIENCE = 500;

function patient(theCase: Case & { steps: readonly unknown[][] }): Case {
  const steps = theCase.steps.map(step => (step[0] === 'settle' ? ['settle', Math.max(PATIENCE, Number(step[1] ?? 0))] : step));
  return { ...theCase, steps } as Case;
}

describe.concurrent('a port behaves as a MessagePort', () => {
  withFixtures(() => {
    for (const theCase of casesOf('clone/port_cases.json').filter(({ level }) => level === 'must')) {
      caseTest(theCase.id, async () => {
        const { runScenario } = await runner<Runner>('mp_core.mjs');
        const { status, detail } = await runScenario(patient(theCase as never), impl);
        if (status !== 'pass') throw new Error(`${status}: ${detail ?? ''}`);
      });
    }
  });
});
