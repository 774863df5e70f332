/** A bot's events as a person would tell them, one line each. */
import type { Formatter } from "picocolors/types.js";
import { formatDuration, formatSize } from "../../core/units.js";
import type { BotEvent } from "./events.js";

export interface Colors {
  readonly dim: Formatter;
  readonly green: Formatter;
  readonly yellow: Formatter;
  readonly red: Formatter;
}

export function describeEvent(event: BotEvent, { dim, green, yellow, red }: Colors): string {
  switch (event.event) {
    case "registered":
      return `registered as ${event.bot_id}, with a token for ${formatDuration(event.expires_in * 1000)}`;
    case "refreshed":
      return dim(`has a new token for ${formatDuration(event.expires_in * 1000)}`);
    case "idle":
      return dim("no job yet");
    case "leased":
      return `leased ${event.job} (${event.type}${event.attempt > 1 ? `, attempt ${event.attempt}` : ""})`;
    case "working":
      return dim(`working on ${event.job}`);
    case "heartbeat":
      return dim(`${event.job} is at ${Math.round(event.progress * 100)} %`);
    case "downloaded":
      return dim(`has the payload of ${event.job}, ${formatSize(event.bytes)}`);
    case "uploaded":
      return dim(`gave ${event.artifact} of ${event.job}, ${formatSize(event.bytes)}`);
    case "completed":
      return green(`completed ${event.job}${event.repeated ? ", as the server knew already" : ""}`);
    case "failed":
      return red(`failed ${event.job}: ${event.why}`);
    case "lease_lost":
      return red(`lost ${event.job}: ${event.why}`);
    case "retrying":
      return yellow(
        `${event.call}: ${event.why}; attempt ${event.attempt} failed, next in ${formatDuration(event.wait)}`,
      );
    case "recovered":
      return green(
        `${event.call}: through again after ${event.attempts} attempts and ${formatDuration(event.after)}`,
      );
    case "stopped":
      return dim("stopped");
  }
}
