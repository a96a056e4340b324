import { describe } from 'vitest';

import * as impl from '../fixtures/clone.mjs';
import { type Case, caseTest, casesOf, runner, withFixtures } from '../support.js';

interface Runner {
  runOne(theCase: Case, impl: object): Promise<{ status: 'pass' | 'fail' | 'skip'; detail?: string }>;
}

describe('a value crosses as structured clone says', () => {
  withFixtures(() => {
    for (const theCase of casesOf('clone/value_cases.json').filter(({ level }) => level === 'must')) {
      caseTest(theCase.id, async () => {
        const { runOne } = await runner<Runner>('sc_core.mjs');
        const { status, detail } = await runOne(theCase, impl);
        if (status !== 'pass') throw new Error(`${status}: ${detail ?? ''}`);
      });
    }
  });
});
