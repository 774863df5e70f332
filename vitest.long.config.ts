import { defineConfig } from "vitest/config";

/** What takes minutes or measures: run with `npm run long`, one file after the other, so that figures mean something. */
export default defineConfig({
  test: {
    include: ["test/long/**/*.test.ts"],
    setupFiles: ["./test/support/surroundings.ts"],
    env: { SQUALL_TESTS: "all" },
    pool: "forks",
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    maxWorkers: 1,
  },
});
