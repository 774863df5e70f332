/** `squall bot`: runs a reference bot until the process is told to stop, a line for each thing that happens to it. */
import type { LookupFunction } from "node:net";
import pc from "picocolors";
import { lifetime } from "../lifetime.js";
import type { Millis } from "../../core/clock.js";
import { LANE, Random, drawKey } from "../../core/random.js";
import type { ClientTlsOptions } from "../tls/client.js";
import { runBot } from "./bot.js";
import { describeEvent } from "./describe.js";
import type { BotEvent } from "./events.js";
import type { Flaws } from "./flaws.js";

export interface BotCommandOptions {
  readonly server: string;
  readonly name: string;
  readonly concurrency: number;
  readonly workTime?: Millis;
  /** The address that its connections come from, where a machine has several. */
  readonly localAddress?: string;
  /** How long the server may keep it waiting for a job, and how long any other answer may take. */
  readonly wait?: Millis;
  readonly requestTimeout?: Millis;
  /** In place of the system's resolver. */
  readonly lookup?: LookupFunction;
  readonly flaws?: Flaws;
  readonly tls?: ClientTlsOptions;
  /** Makes its waits the same each time; bots of other names draw others. */
  readonly seed?: number;
  /** Prints each event as a line of JSON, with `time` and `bot`. */
  readonly json?: boolean;
}

export async function botCommand({ json, seed, ...options }: BotCommandOptions): Promise<void> {
  const { signal, end } = lifetime();
  const line = (event: BotEvent): string =>
    json
      ? JSON.stringify({ time: new Date().toISOString(), bot: options.name, ...event })
      : `${pc.bold(options.name)} ${describeEvent(event, pc)}`;
  const random = seed === undefined ? {} : { random: seededLuck(seed, options.name) };
  try {
    await runBot({
      ...options,
      ...random,
      signal,
      report: (event) => process.stdout.write(`${line(event)}\n`),
    });
  } finally {
    end();
  }
}

/** Uniform in [0, 1), by the rule of docs/determinism.md. */
export function seededLuck(seed: number, bot: string): () => number {
  const name = { seed, activation: "", phase: "", pass: 0, fault: "", proxy: "", bot };
  const luck = new Random(drawKey(name), 0, LANE.subject);
  return () => luck.unit();
}
