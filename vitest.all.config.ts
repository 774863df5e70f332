import { defineConfig } from "vitest/config";

/** `npm run test:all`: the files of `npm test` with all rows of their tables, and what needs a kernel, foreign programs or minutes. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["./test/support/surroundings.ts"],
    exclude: ["test/long/**"],
    env: { SQUALL_TESTS: "all" },
    pool: "forks",
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: true,
    execArgv: ["--max-semi-space-size=64"],
    // Many of these wait for other programs: one more than there are cores costs none of them anything.
    maxWorkers: 3,
  },
});
