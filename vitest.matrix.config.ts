import { defineConfig } from "vitest/config";

/** `npm run matrix`: every flaw against its profile and the reference bot against all of them, with three seeds each. */
export default defineConfig({
  test: {
    include: ["test/e2e/matrix/all.matrix.ts"],
    env: { SQUALL_TESTS: "all" },
    pool: "forks",
    testTimeout: 3_600_000,
    maxWorkers: 1,
  },
});
