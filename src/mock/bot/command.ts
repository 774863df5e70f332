/** `squall bot`: runs a reference bot until the process is told to stop, a line for each thing that happens to it. */
import pc from "picocolors";
import { lifetime } from "../lifetime.js";
import type { Millis } from "../../core/clock.js";
import { runBot } from "./bot.js";
import { describeEvent } from "./describe.js";
import type { BotEvent } from "./events.js";

export interface BotCommandOptions {
  readonly server: string;
  readonly name: string;
  readonly concurrency: number;
  readonly workTime?: Millis;
  /** The address that its connections come from, where a machine has several. */
  readonly localAddress?: string;
  /** Prints each event as a line of JSON, with `time` and `bot`. */
  readonly json?: boolean;
}

export async function botCommand({ json, ...options }: BotCommandOptions): Promise<void> {
  const { signal, end } = lifetime();
  const line = (event: BotEvent): string =>
    json
      ? JSON.stringify({ time: new Date().toISOString(), bot: options.name, ...event })
      : `${pc.bold(options.name)} ${describeEvent(event, pc)}`;
  try {
    await runBot({ ...options, signal, report: (event) => process.stdout.write(`${line(event)}\n`) });
  } finally {
    end();
  }
}
