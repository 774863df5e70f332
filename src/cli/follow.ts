/** Follows a stream of server-sent events until somebody ends the command: over breaks, which it tells of, and behind the last event that it has. */
import { setTimeout as pause } from "node:timers/promises";
import { Refusal, type AdminClient, type ServerEvent } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";

const WAIT_FIRST_MS = 100;
const WAIT_MAX_MS = 2_000;

export interface FollowOptions {
  readonly client: AdminClient;
  readonly io: Io;
  /** Of the stream; given whether an id goes with it. */
  readonly path: (lastEvent: string | null) => string;
  readonly lastEvent: string | null;
  readonly hear: (event: ServerEvent) => void;
  /** What is said of the stream itself. */
  readonly say: (text: string) => void;
  /** Refusals that pass, by their status. */
  readonly passing?: readonly number[];
}

export async function followEvents(options: FollowOptions): Promise<void> {
  const { client, io, path, hear, say, passing = [429] } = options;
  const stop = new AbortController();
  // What comes is for whoever reads it.
  void Promise.race([io.stopped, io.outputLost]).then(() => {
    stop.abort();
  });
  let { lastEvent } = options;
  for (let failures = 0; !stop.signal.aborted;) {
    let why = "the daemon ended it";
    try {
      const opened = (): void => {
        if (failures > 0) say("the stream is back");
        failures = 0;
      };
      const events = client.events(path(lastEvent), { signal: stop.signal, lastEventId: lastEvent, opened });
      for await (const event of events) {
        lastEvent = event.id ?? lastEvent;
        hear(event);
      }
    } catch (error) {
      if (stop.signal.aborted) return;
      // A daemon that refuses, or that is none, will go on like that.
      const passes = !(error instanceof CommandError) || error.exitCode === EXIT.unreachable;
      if (!passes && !(error instanceof Refusal && passing.includes(error.status))) throw error;
      why = error instanceof Error ? error.message : String(error);
    }
    if (failures === 0) say(`the stream broke, and is asked for again: ${why}`);
    const wait = Math.min(WAIT_FIRST_MS * 2 ** Math.min(failures++, 10), WAIT_MAX_MS);
    await pause(wait, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
