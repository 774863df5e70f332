import { defineConfig } from "vitest/config";

/**
 * `npm test`: what needs nothing but Node and takes seconds. Files named `*.all.test.ts` are for `npm run test:all` (vitest.all.config.ts),
 * those of test/long for `npm run long`; docs/testing.md says which is which.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/long/**", "test/**/*.all.test.ts"],
    pool: "forks",
    // One process runs many files, so that the source is imported once and not three hundred times.
    isolate: false,
    // What waits, waits for an event: the limits are for machines that are busy with something else.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: true,
    maxWorkers: 2,
  },
});
