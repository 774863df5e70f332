/** Active health checks: each upstream is asked in its turn, through the same faults that clients meet. */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import { adoptUpstream, takeFromUpstream, type SocketOwner } from "../socket-owner.js";
import type { ResponseHead } from "../http/head.js";
import { PLAINLY, ResponseReader } from "../http/response-reader.js";
import type { MessageSink } from "../http/sink.js";
import type { DialOptions, Dialling, Endpoint } from "./dial.js";
import { isLocalLack } from "../local-lacks.js";
import type { HealthSpec, Member, Pool } from "./pool.js";
import { reach, type Reached } from "./reach.js";

export interface HealthParts {
  readonly pool: Pool;
  readonly spec: HealthSpec;
  readonly clock: Clock;
  /** Hears of mistakes of ours, which cost a check, and say nothing about its upstream. */
  readonly mistakes: Owner;
  /** How to dial now: what faults make of names changes. */
  readonly options: () => Omit<DialOptions, "take" | "timeout">;
  /** The Host of checks over HTTP; null for the upstream's own host and port. */
  readonly hostOf?: (endpoint: Endpoint) => string | null;
}

/** How one check is made. */
interface AttemptParts extends HealthParts {
  readonly turn: number;
}

export class HealthChecks {
  readonly #probes: readonly Probe[];

  constructor(parts: HealthParts) {
    this.#probes = parts.pool.members.map((member, index) => new Probe(parts, member, index));
  }

  start(): void {
    for (const probe of this.#probes) probe.start();
  }

  stop(): void {
    for (const probe of this.#probes) probe.stop();
  }
}

class Probe {
  readonly #parts: HealthParts;
  readonly #member: Member;
  /** Checks of several upstreams are spread over the interval. */
  readonly #offset: number;
  #timer: Timer | null = null;
  #attempt: Attempt | null = null;
  #row = 0;
  #turn = 0;

  constructor(parts: HealthParts, member: Member, index: number) {
    this.#parts = parts;
    this.#member = member;
    this.#offset = (parts.spec.interval * index) / parts.pool.members.length;
  }

  start(): void {
    this.#in(this.#offset);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#attempt?.cancel();
    this.#attempt = null;
  }

  #in(millis: number): void {
    const { clock, mistakes } = this.#parts;
    const check = contained(mistakes, () => {
      this.#check();
    });
    this.#timer = clock.at(clock.now() + millis, () => {
      this.#in(this.#parts.spec.interval);
      check();
    });
  }

  #check(): void {
    if (this.#attempt !== null) return;
    const parts = { ...this.#parts, turn: this.#turn++ };
    const attempt = new Attempt(parts, this.#member, (found) => {
      this.#attempt = null;
      if (found !== UNKNOWN) this.#note(found);
    });
    this.#attempt = attempt;
    attempt.begin();
  }

  #note(mistake: string | null): void {
    const member = this.#member;
    const { pool, spec } = this.#parts;
    const well = mistake === null;
    if (!well) this.#doubtName();
    // A row counts towards the other state only.
    this.#row = well === member.healthy ? 0 : this.#row + 1;
    if (this.#row < (member.healthy ? spec.fall : spec.rise)) return;
    this.#row = 0;
    pool.healthChanged(member, well, mistake ?? `${spec.rise} health checks in a row went well`);
  }

  /** Whatever it is that answers no more, or wrongly, the upstream may have moved away from it. */
  #doubtName(): void {
    const { resolver } = this.#parts.options();
    resolver.renew(this.#member.endpoint.host).catch(() => undefined);
  }
}

/** Neither well nor ill: the check could not be made. */
const UNKNOWN = Symbol("unknown");
/** What was wrong, or null. */
type Found = string | typeof UNKNOWN | null;

/** One check. `done` is called once with what it found. */
class Attempt implements SocketOwner, MessageSink<ResponseHead> {
  readonly #parts: AttemptParts;
  readonly #member: Member;
  readonly #path: string | null;
  readonly #name: string;
  readonly #done: (found: Found) => void;
  readonly #reader = new ResponseReader();
  #late: Timer | null = null;
  #dialling: Dialling | null = null;
  #socket: Socket | null = null;
  #over = false;

  constructor(parts: AttemptParts, member: Member, done: (found: Found) => void) {
    const { host, port } = member.endpoint;
    this.#parts = parts;
    this.#member = member;
    this.#path = parts.spec.path;
    const own = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    this.#name = parts.hostOf?.(member.endpoint) ?? own;
    this.#done = done;
  }

  begin(): void {
    const { pool, spec, clock, options, turn } = this.#parts;
    const late = contained(this, () => {
      this.#finish(`no answer within ${spec.timeout} ms`);
    });
    this.#late = clock.at(clock.now() + spec.timeout, late);
    // Longer than the check itself waits, so that it is the check that gives up.
    const dialOptions = {
      ...options(),
      take: takeFromUpstream,
      timeout: spec.timeout * 2,
      turn,
      asking: { healthCheck: this.#member.name },
    };
    const reached = contained(this, (result: Reached) => {
      // What this machine lacks says nothing about the upstream.
      if ("reason" in result && isLocalLack(result.reason)) this.#finish(UNKNOWN);
      else if ("reason" in result) this.#finish(result.text);
      else if ("verdict" in result) this.#verdict(result.verdict);
      else this.#connected(result);
    });
    this.#dialling = reach(pool, this.#member, dialOptions, reached);
  }

  failed(error: unknown): void {
    this.#parts.mistakes.failed(error);
    this.#finish(UNKNOWN);
  }

  #verdict(verdict: { readonly do: string; readonly head?: { readonly status: number } }): void {
    this.#finish(verdict.head === undefined ? "the connection was cut" : said(verdict.head.status));
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    adoptUpstream(socket, this);
    if (this.#path === null) {
      this.#finish(null);
      return;
    }
    this.#reader.expect(PLAINLY);
    socket.resume();
    socket.write(
      `GET ${this.#path} HTTP/1.1\r\nhost: ${this.#name}\r\nuser-agent: squall-health\r\nconnection: close\r\n\r\n`,
    );
  }

  cancel(): void {
    this.#over = true;
    this.#late?.cancel();
    this.#dialling?.cancel();
    this.#socket?.destroy();
  }

  #finish(found: Found): void {
    if (this.#over) return;
    this.cancel();
    this.#done(found);
  }

  fromUpstream(_socket: Socket, chunk: Buffer): boolean {
    if (!this.#over) this.#reader.push(chunk, this);
    return true;
  }

  head({ interim, status }: ResponseHead): void {
    if (!interim) this.#finish(said(status));
  }

  sourceEnded(): void {
    this.#finish("the connection ended without an answer");
  }

  broke(_direction: unknown, _socket: Socket, error: Error): void {
    this.#finish(error.message);
  }

  refused(): void {
    this.#finish("what came is no HTTP");
  }

  socketClosed(): void {
    this.#finish("the connection closed without an answer");
  }

  // Nothing else is of interest.

  readonly fromClient = (): undefined => undefined;
  readonly drained = (): undefined => undefined;
  readonly blank = (): undefined => undefined;
  readonly body = (): undefined => undefined;
  readonly trailers = (): undefined => undefined;
  readonly messageEnd = (): undefined => undefined;
  readonly upgraded = (): undefined => undefined;
  readonly foreign = (): undefined => undefined;
  readonly truncated = (): undefined => undefined;
  readonly plain = (): undefined => undefined;
  readonly ended = (): undefined => undefined;
}

/** What is wrong with a status, as health checks of balancers see it: 2xx and 3xx are well. */
function said(status: number): string | null {
  return status >= 200 && status < 400 ? null : `it answered ${status}`;
}
