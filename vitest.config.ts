import { availableParallelism } from "node:os";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

/** Scenes of several processes first: they mostly wait, and others compute meanwhile. */
class ScenesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isScene = ({ moduleId }: TestSpecification): boolean => moduleId.includes("/test/e2e/");
    const sorted = await super.sort(files);
    return [...sorted.filter(isScene), ...sorted.filter((file) => !isScene(file))];
  }
}

/**
 * `npm test`: what needs nothing but Node and takes seconds. Files named `*.all.test.ts` are for `npm run test:all` (vitest.all.config.ts),
 * those of test/long for `npm run long`; docs/testing.md says which is which.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["./test/support/surroundings.ts"],
    exclude: ["test/long/**", "test/**/*.all.test.ts"],
    pool: "forks",
    // One process runs many files, so that the source is imported once and not three hundred times.
    isolate: false,
    sequence: { sequencer: ScenesFirst },
    // What waits, waits for an event: the limits are for machines that are busy with something else.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: true,
    // Most of what tests make is gone at their end: with more room, fewer collections copy what is about to go.
    execArgv: ["--max-semi-space-size=64"],
    // Each of them imports the whole source once, which costs more than it gains where there is no core for it.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
  },
});
