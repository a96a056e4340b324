import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores: suites that start processes would only wait for each other.
    maxWorkers: 2,
    minWorkers: 1,
    maxConcurrency: 30,
    testTimeout: 20_000
  }
});
