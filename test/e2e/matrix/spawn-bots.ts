/** Reference bots, all in one process of their own. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { ClientTlsOptions } from "../../../src/mock/tls/client.js";
import { ROOT } from "../../support/process.js";
import type { BotLine } from "./account.js";

/** What bots.mjs takes; times in ms. */
export interface BotOptions {
  readonly server: string;
  readonly names: readonly string[];
  readonly concurrency: number;
  readonly flaws: readonly string[];
  readonly wait: number;
  readonly requestTimeout: number;
  readonly backOffMax: number;
  readonly seed: number;
  readonly dns?: string;
  readonly tls?: ClientTlsOptions;
}

/** Adds what they say to `lines`. */
export function spawnBots({ backOffMax, ...options }: BotOptions, lines: BotLine[]): ChildProcess {
  const script = join(ROOT, "test/e2e/matrix/bots.mjs");
  const words = JSON.stringify({ ...options, backOff: { first: 50, max: backOffMax } });
  const bots = spawn(process.execPath, [script, words], { stdio: ["ignore", "pipe", "inherit"] });
  let rest = "";
  bots.stdout.on("data", (chunk: Buffer) => {
    const whole = (rest + chunk.toString()).split("\n");
    rest = whole.pop() ?? "";
    for (const line of whole) lines.push(JSON.parse(line) as BotLine);
  });
  return bots;
}
