/** A case for a developer's debugger: all is set up as for a run, the faults are on, and the program is started by somebody else. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filledIn, variableName } from "../harness/environment.js";
import { Stage, type StageOptions } from "../harness/stage.js";
import type { FaultInput, FaultOutcome } from "../contract/run.js";

export interface HoldOptions extends Omit<StageOptions, "number" | "mark" | "temporary"> {
  readonly faults: readonly FaultInput[];
  readonly seed: number;
  /** Called when the faults are on, with the variables by which a program finds the proxies. */
  readonly ready: (env: Readonly<Record<string, string>>) => void;
  /** Resolves when it is to end. */
  readonly until: Promise<unknown>;
}

/**
 * Answers what the faults did meanwhile. Nothing is left of it then: the faults are gone, and what was started has ended.
 *
 * @throws HarnessError where setup failed, or the upstream was never ready
 */
export async function hold(options: HoldOptions): Promise<FaultOutcome[]> {
  const { settings, faults, seed } = options;
  const temporary = mkdtempSync(join(tmpdir(), "squall-"));
  try {
    const mark = randomBytes(8).toString("hex");
    const stage = await Stage.open({ ...options, number: 1, mark, temporary });
    try {
      stage.emptyTemporary();
      const here = stage.surroundings({ seed }, 1);
      if (settings.setup !== null) await stage.setUp(settings.setup, here);
      const upstream =
        settings.upstream === null ? null : await stage.start(settings.upstream, here, "upstream");
      await stage.ready(upstream, here);
      await stage.wires.apply(faults, seed);
      const urls = here.wires.map(({ name, url }) => [`SQUALL_URL_${variableName(name)}`, url]);
      const said = Object.entries(settings.env).map(([name, text]) => [name, filledIn(text, here)]);
      options.ready(Object.fromEntries([...urls, ...said]) as Record<string, string>);
      await options.until;
      return stage.wires.heal(faults);
    } finally {
      await stage.close();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
