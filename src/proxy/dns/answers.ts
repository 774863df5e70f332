/** Where the answers of a dns proxy come from: its own records first, then its upstream, as the bytes that came. */
import type { ConnectionFailure } from "../../core/events.js";
import type { PlaneContext } from "../context.js";
import { isLocalLack, wordsOfLack } from "../local-lacks.js";
import type { Asking, NoReply, Outcome } from "./channel.js";
import { buildReply, rcodeOf, readQuery, type Query } from "./codec.js";
import { Forwarder } from "./forwarder.js";
import { askAbout, describedQuestion, readReply, recordBytes } from "./reply.js";
import { serversOf, type SystemFile } from "./servers.js";
import type { DnsProxySpec } from "./spec.js";
import { Zone, type LocalAnswer } from "./zone.js";

const NOERROR = 0;
const SERVFAIL = 2;
const NXDOMAIN = 3;

export interface Watcher {
  /** Bytes to and from upstreams. */
  sent(bytes: number): void;
  received(bytes: number): void;
  failed(reason: ConnectionFailure, text: string): void;
}

export class Answers {
  readonly #zone: Zone;
  readonly #forwarder: Forwarder;
  readonly #asksNobody: boolean;
  readonly #watcher: Watcher;
  #underWay = 0;
  #retired = false;

  constructor(
    spec: DnsProxySpec,
    context: PlaneContext,
    own: () => { readonly host: string; readonly port: number },
    file: SystemFile,
    watcher: Watcher,
  ) {
    this.#zone = new Zone(spec.records);
    this.#asksNobody = spec.source === "none";
    this.#forwarder = new Forwarder(context, serversOf(spec, context, own, file));
    this.#watcher = watcher;
  }

  /**
   * `done` gets the reply, or null if there is none: an upstream that says nothing is passed on as silence, one that
   * is not there as SERVFAIL. `complete` is for clients that take long answers.
   */
  find(query: Query, complete: boolean, done: (reply: Buffer | null) => void): Asking | null {
    const local = this.#zone.answer(query);
    if (local !== null) return this.#local(query, local, done);
    if (this.#asksNobody) {
      done(buildReply(query, { rcode: NXDOMAIN, authoritative: true, truncated: false }, []));
      return null;
    }
    return this.#forward(query, complete, (outcome) => {
      if (typeof outcome !== "string") done(outcome);
      else done(outcome === "timeout" ? null : failure(query));
    });
  }

  #local(query: Query, { records, alias }: LocalAnswer, done: (reply: Buffer | null) => void): Asking | null {
    const head = { rcode: NOERROR, authoritative: true, truncated: false };
    const message = alias === null || this.#asksNobody ? null : askAbout(alias, query);
    const asked = message === null ? null : readQuery(message);
    if (alias === null || asked === null || "unreadable" in asked) {
      done(buildReply(query, head, records));
      return null;
    }
    return this.#forward(asked, true, (outcome) => {
      const reply = typeof outcome === "string" ? null : readReply(outcome);
      if (typeof outcome === "string" || reply === null) {
        done(outcome === "timeout" ? null : failure(query));
        return;
      }
      const rest = reply.answers.flatMap((record) => recordBytes(record, query.name) ?? []);
      done(
        buildReply(query, { rcode: rcodeOf(outcome), authoritative: false, truncated: false }, [
          ...records,
          ...rest,
        ]),
      );
    });
  }

  #forward(query: Query, complete: boolean, done: (outcome: Outcome) => void): Asking {
    this.#underWay++;
    this.#watcher.sent(query.message.length);
    let finished = false;
    const over = (): void => {
      if (finished) return;
      finished = true;
      this.#underWay--;
      if (this.#retired && this.#underWay === 0) this.#forwarder.close();
    };
    const asking = this.#forwarder.ask(query, complete, (outcome) => {
      over();
      if (typeof outcome !== "string") this.#watcher.received(outcome.length);
      else this.#tellFailure(outcome, query);
      done(outcome);
    });
    return {
      cancel: () => {
        asking.cancel();
        over();
      },
    };
  }

  #tellFailure(outcome: NoReply, query: Query): void {
    const question = describedQuestion(query);
    if (isLocalLack(outcome)) this.#watcher.failed(outcome, `${wordsOfLack(outcome)}: ${question}`);
    else this.#watcher.failed(`upstream_${outcome}`, `no answer to ${question}`);
  }

  /** Finishes what it has begun, and then closes. */
  retire(): void {
    this.#retired = true;
    if (this.#underWay === 0) this.#forwarder.close();
  }

  close(): void {
    this.#forwarder.close();
  }
}

function failure(query: Query): Buffer {
  return buildReply(query, { rcode: SERVFAIL, authoritative: false, truncated: false }, []);
}
