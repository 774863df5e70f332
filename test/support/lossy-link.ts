/**
 * The stages of one `packet_loss` between a client and a server of the test's making, as a discrete-event simulation:
 * virtual time jumps from one event to the next, and nothing is written down, so that a hundred thousand exchanges take a second.
 */
import { VirtualClock, type Millis } from "../../src/core/clock.js";
import { LANE } from "../../src/core/random.js";
import {
  DIRECTIONS,
  type Direction,
  type Outlet,
  type Sever,
  type StreamStage,
} from "../../src/faults/contract/index.js";
import { Armed, type Raw } from "./stream-bench.js";

export interface LinkOptions {
  readonly seed?: number;
  /** Counts connections: each has its own draws. */
  readonly ordinal?: number;
  readonly live?: boolean;
}

export class LossyLink {
  readonly clock = new VirtualClock();
  readonly armed: Armed;
  readonly stages: Readonly<Record<Direction, StreamStage>>;
  readonly received: Record<Direction, number> = { upstream: 0, downstream: 0 };
  severed: Sever["do"] | null = null;
  /** How long the gates held a new connection. */
  readonly gate: Millis;
  onBytes: (direction: Direction, bytes: number) => void = () => undefined;
  readonly #outlets: Readonly<Record<Direction, Outlet>>;

  constructor(raw: Raw, { seed = 1, ordinal = 0, live = true }: LinkOptions = {}) {
    this.armed = new Armed("packet_loss", raw, this.clock, "both", seed);
    const fault = this.armed.type.connection?.(this.armed.scope(ordinal, LANE.subject), {
      id: 1,
      client: { address: "127.0.0.1", port: 40_000 },
      bot: "b",
      acceptedAt: 0,
      live,
      attend: () => undefined,
    });
    if (!fault?.stream) throw new Error("packet_loss has lost its seam");
    const verdict = live ? undefined : fault.accepted?.();
    this.gate = verdict?.do === "hold" ? verdict.for : 0;
    this.clock.advance(this.gate);
    const connected = live ? undefined : fault.connected?.();
    if (connected?.do === "reset") this.severed = "reset";
    const upstream = fault.stream("upstream");
    const downstream = fault.stream("downstream");
    if (!upstream || !downstream) throw new Error("packet_loss has lost a direction");
    this.stages = { upstream, downstream };
    this.#outlets = { upstream: this.#outlet("upstream"), downstream: this.#outlet("downstream") };
  }

  #outlet(direction: Direction): Outlet {
    const now = (): Millis => this.clock.now();
    return {
      get now() {
        return now();
      },
      emit: (chunk) => {
        this.received[direction] += chunk.length;
        this.onBytes(direction, chunk.length);
      },
      drop: () => {
        throw new Error("packet_loss drops nothing");
      },
      insert: () => {
        throw new Error("packet_loss inserts nothing");
      },
      end: () => undefined,
      sever: ({ do: how }) => {
        this.severed = how;
      },
    };
  }

  send(direction: Direction, bytes: number): void {
    this.stages[direction].push(Buffer.alloc(bytes), this.#outlets[direction]);
  }

  /** Lets the next thing happen; false if nothing is left. */
  step(until: Millis = Infinity): boolean {
    const due = Math.min(this.stages.upstream.wakeAt, this.stages.downstream.wakeAt);
    if (due === Infinity || due > until) return false;
    this.clock.advance(Math.max(0, due - this.clock.now()));
    for (const direction of DIRECTIONS)
      if (this.stages[direction].wakeAt <= due) this.stages[direction].wake?.(this.#outlets[direction]);
    return true;
  }

  /** A request of so many bytes and its answer, and how long that took. The next may begin at once. */
  exchange(request: number, answer: number): Millis {
    const begun = this.clock.now();
    let asked = 0;
    let answered = 0;
    this.onBytes = (direction, bytes) => {
      if (direction === "downstream") {
        answered += bytes;
        return;
      }
      asked += bytes;
      if (asked === request) this.send("downstream", answer);
    };
    this.send("upstream", request);
    while (answered < answer && this.severed === null) {
      if (!this.step()) throw new Error("an exchange that nothing will end");
    }
    return this.clock.now() - begun;
  }

  /** Lets time pass in which neither side says anything. */
  rest(time: Millis): void {
    const until = this.clock.now() + time;
    while (this.step(until));
    this.clock.advance(until - this.clock.now());
  }

  /** Sends as fast as it is taken, and answers the bytes that arrived within the time. */
  bulk(direction: Direction, time: Millis): number {
    const begun = this.received[direction];
    const until = this.clock.now() + time;
    const supply = (): void => {
      while (this.stages[direction].held < this.stages[direction].capacity) this.send(direction, 65_536);
    };
    supply();
    while (this.severed === null && this.step(until)) supply();
    this.clock.advance(until - this.clock.now());
    return this.received[direction] - begun;
  }
}
