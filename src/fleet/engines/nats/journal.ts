/** The stream of all daemons' journals. It is read message by message from its leader, without a consumer on the server. */
import type { FleetEngine } from "../../contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../contract/journal.js";
import { decodeBatch, encodeBatch } from "../../journal/wire.js";
import type { JetStream, Stored, StreamLayout } from "./jetstream.js";
import { WakeUp } from "../wake-up.js";
import { withoutBlame } from "./errors.js";
import { encodeName, type FleetNames } from "./names.js";

/** Messages asked for at once. */
const AHEAD = 16;
/** Between looks of a follower, for what was not heard: its message passes as it is stored, or just before. */
const LOOK_EVERY_MS = 1_000;
/** From the message that was heard to the look: by then it is stored. */
const STORED_AFTER_MS = 20;

type TailOptions = Parameters<FleetEngine["tail"]>[0];

/** Behind which message of which life of the stream. */
interface Position {
  readonly created: string;
  readonly seq: number;
}

export class JournalStream {
  readonly #jetstream: JetStream;
  readonly #layout: StreamLayout;
  readonly #names: FleetNames;

  constructor(jetstream: JetStream, layout: StreamLayout, names: FleetNames) {
    this.#jetstream = jetstream;
    this.#layout = layout;
    this.#names = names;
  }

  /** Its id names the numbers, so that the same batch sent again is left out by the server, for two minutes; another one is not. */
  async append(batch: JournalBatch): Promise<void> {
    const { daemon, life, after, upto } = batch;
    const id = `${encodeName(daemon)}.${encodeName(life)}.${after + 1}-${upto}`;
    const limit = this.#jetstream.link.limit();
    const subject = this.#names.batch(daemon);
    await this.#jetstream
      .store(this.#layout, subject, encodeBatch(batch), { "Nats-Msg-Id": id }, limit)
      .catch((error: unknown) => {
        throw withoutBlame(error);
      });
  }

  async *tail({ from, follow, signal }: TailOptions): AsyncGenerator<KeptBatch | null> {
    const wakeUp = new WakeUp(signal);
    let stop: (() => void) | null = null;
    try {
      let position: Position | null = null;
      let isAnew = false;
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        const state = await this.#jetstream.state(this.#names.journal, this.#jetstream.link.limit());
        if (state === null) {
          // Whoever hears the subject while there is no stream keeps NATS from telling senders that nobody takes what they send.
          stop?.();
          stop = null;
        } else {
          if (follow)
            stop ??= this.#jetstream.link.onMessage(this.#names.anyBatch, () => {
              wakeUp.soon(STORED_AFTER_MS);
            });
          const oldest = { created: state.created, seq: Math.max(0, state.first - 1) };
          const asked: Position | null = isFirst ? startOf(from, oldest, state.last) : position;
          // Another stream of that name, or the same one restored from older data.
          const isUnknown: boolean =
            asked !== null && (asked.created !== state.created || asked.seq > state.last);
          isAnew ||= isUnknown;
          position = asked === null || isUnknown || asked.seq < oldest.seq ? oldest : asked;
          while (position.seq < state.last && !signal.aborted) {
            for (const stored of await this.#some(position.seq, state.last)) {
              if (signal.aborted) return;
              const batch = stored.value === null ? null : this.#batchOf(stored.value);
              position = { created: state.created, seq: stored.seq };
              if (stored.value === null) continue;
              const cursor = `${position.created}:${position.seq}`;
              yield batch === null ? null : { ...batch, cursor, ...(isAnew ? { anew: true } : {}) };
              if (batch !== null) isAnew = false;
            }
          }
        }
        if (!follow) return;
        await wakeUp.wait(LOOK_EVERY_MS);
      }
    } finally {
      stop?.();
      wakeUp.end();
    }
  }

  /** The next messages, or what is left of them: some may have been dropped as too old, or as too many. */
  async #some(after: number, last: number): Promise<{ seq: number; value: Stored | null }[]> {
    const numbers = Array.from({ length: Math.min(AHEAD, last - after) }, (_, at) => after + 1 + at);
    return Promise.all(
      numbers.map(async (seq) => {
        const limit = this.#jetstream.link.limit();
        return { seq, value: await this.#jetstream.get(this.#names.journal, { seq }, limit) };
      }),
    );
  }

  /** Null if it cannot be read, or if one daemon's credentials wrote it in the name of another. */
  #batchOf({ subject, data }: Stored): JournalBatch | null {
    const batch = decodeBatch(Buffer.from(data).toString("utf8"));
    return batch !== null && this.#names.batch(batch.daemon) === subject ? batch : null;
  }
}

function startOf(from: TailOptions["from"], oldest: Position, last: number): Position | null {
  if (from === null) return null;
  if (typeof from === "object") return { ...oldest, seq: Math.max(oldest.seq, last - from.newest) };
  const at = from.lastIndexOf(":");
  return { created: from.slice(0, at), seq: Number(from.slice(at + 1)) };
}
