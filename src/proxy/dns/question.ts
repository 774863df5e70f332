/**
 * One question under way that faults act on:
 *
 *     asked -> [gate] -> records or upstream -> [gate] -> rewritten -> fitted -> garbled -> sent
 */
import type { Seat } from "../../core/roster.js";
import { contained, type Owner } from "../../core/containment.js";
import { type DnsReply, type Pass, type Question, type Sever } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { FinalQueryVerdict, QueryFaults } from "../../pipeline/query.js";
import type { Asking } from "./channel.js";
import { fitted, MESSAGE_BYTES_MAX, rcodeName, rcodeOf, typeName, type Query } from "./codec.js";
import { seesAsking, seesReply, type QuestionRecord } from "./watching.js";
import { readReply, writeReply } from "./reply.js";

/** Whoever asked, and the way back. */
export interface Asker {
  readonly transport: "udp" | "tcp";
  readonly address: string;
  answer(message: Buffer): void;
  /** Ends the connection, where there is one. */
  sever(how: Sever): void;
}

/** What a question needs of its proxy. */
export interface QuestionHost {
  /** `done` gets the reply, or null if there is none; null if it was called already. */
  resolve(query: Query, asker: Asker, done: (reply: Buffer | null) => void): Asking | null;
  /** `rcode` is null where there was no answer. */
  over(question: RunningQuestion, rcode: string | null): void;
}

export function questionOf(query: Query, { transport, address }: Asker): Question {
  return { name: query.name, type: typeName(query.type), transport, bot: address };
}

/** What can be sent to a client: over UDP, what it takes. */
export function sendable(query: Query, transport: "udp" | "tcp", reply: Buffer): Buffer {
  return fitted(transport === "udp" ? query : { ...query, udpBytes: MESSAGE_BYTES_MAX }, reply);
}

export class RunningQuestion {
  readonly query: Query;
  readonly asker: Asker;
  /** Pays for mistakes of ours: with this question, which is not answered then. */
  readonly owner: Owner;
  /** What is recorded of it; null where nothing is. */
  readonly record: QuestionRecord | null;
  /** Its place among those of its proxy, whose affair it is; null when it is over. */
  seat: Seat | null = null;
  readonly #host: QuestionHost;
  readonly #faults: QueryFaults;
  #asking: Asking | null = null;
  #over = false;

  constructor(
    host: QuestionHost,
    query: Query,
    asker: Asker,
    faults: QueryFaults,
    owner: Owner,
    record: QuestionRecord | null,
  ) {
    this.owner = owner;
    this.record = record;
    this.#host = host;
    this.query = query;
    this.asker = asker;
    this.#faults = faults;
  }

  begin(): void {
    this.#faults.askQuery((outcome) => {
      if (outcome.do === "pass") this.#resolve();
      else this.#decided(outcome);
    });
  }

  #resolve(): void {
    const sight = this.record?.sight ?? null;
    if (sight !== null) seesAsking(sight);
    const resolved = contained(this.owner, (reply: Buffer | null) => {
      this.#asking = null;
      if (sight !== null) seesReply(sight, reply);
      if (reply === null) this.#finish(null);
      else this.#replied(reply);
    });
    const asking = this.#host.resolve(this.query, this.asker, resolved);
    if (!this.#over) this.#asking = asking;
  }

  #replied(message: Buffer): void {
    const reply = this.#faults.readsReplies ? readReply(message) : null;
    if (reply === null) {
      this.#send(message);
      return;
    }
    this.#faults.askReply(reply, (outcome: Pass | FinalQueryVerdict) => {
      if (outcome.do !== "pass") this.#decided(outcome);
      else this.#sendRewritten(reply, message);
    });
  }

  #decided(outcome: FinalQueryVerdict): void {
    if (outcome.do === "reply") {
      this.#sendRewritten(outcome.reply, null);
      return;
    }
    // Over UDP there is nothing to end: nobody answers.
    if (outcome.do !== "drop") this.asker.sever(outcome);
    this.#finish(null);
  }

  /** `message` is the reply as it came, for when no fault changes it. */
  #sendRewritten(reply: DnsReply, message: Buffer | null): void {
    const rewritten = this.#faults.rewrite(reply);
    this.#send(message !== null && rewritten === reply ? message : writeReply(this.query, rewritten));
  }

  #send(message: Buffer): void {
    const bytes = sendable(this.query, this.asker.transport, message);
    this.asker.answer(this.#faults.garble(bytes));
    this.#finish(rcodeName(rcodeOf(bytes)));
  }

  #finish(rcode: string | null): void {
    if (this.#over) return;
    this.cancel();
    this.#host.over(this, rcode);
  }

  removed(gone: ReadonlySet<ArmedFault>): void {
    if (!this.#over) this.#faults.removed(gone);
  }

  assigned(changed: ReadonlySet<ArmedFault>): void {
    if (!this.#over) this.#faults.assigned(changed);
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#asking?.cancel();
    this.#asking = null;
    this.#faults.release();
  }
}
