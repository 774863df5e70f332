/** The way to NATS: one connection that is made again and again, and requests over it, each with an end. */
import { randomInt } from "node:crypto";
import type { Msg, NatsConnectionImpl } from "@nats-io/transport-node";
import { EngineError, type EngineOptions, type Hint } from "../../contract/engine.js";
import { nameOf, parseAddress, type EngineAddress } from "../address.js";
import { Limit } from "../limit.js";
import type { Dialled, NatsClient } from "./dial.js";
import { isRefusal, translate } from "./errors.js";

/** Pauses between attempts: half of it to all of it, so that a thousand daemons do not come back in one moment. */
const PAUSE_FIRST_MS = 250;
const PAUSE_MAX_MS = 2_000;

export class NatsLink {
  readonly name: string;
  readonly #options: EngineOptions;
  readonly #client: NatsClient;
  readonly #addresses: readonly EngineAddress[];
  #connection: NatsConnectionImpl | null = null;
  #dialled: Dialled | null = null;
  #closed = false;
  /** Why there is no connection. */
  #problem: EngineError;
  #said = "";
  readonly #states = new Set<(what: Hint) => void>();
  /** Told of the next change: a connection, a refusal, the close. */
  #waiting: (() => void)[] = [];
  #endPause: (() => void) | null = null;
  /** How to end each request that has no answer yet. */
  readonly #underWay = new Set<() => void>();

  constructor(options: EngineOptions, client: NatsClient) {
    this.#options = options;
    this.#client = client;
    this.#addresses = options.urls.map(parseAddress);
    this.name = this.#addresses.map(nameOf).join(",");
    this.#problem = new EngineError("away", `${this.name}: not connected yet`);
    void this.#run();
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A limit for one call. */
  limit(): Limit {
    return new Limit(this.#options.now);
  }

  /** The reply. Rejects with an `EngineError`. It was sent at most once, and not at all where there was no connection in time. */
  async request(
    subject: string,
    payload: Uint8Array | string,
    limit: Limit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Msg> {
    while (this.#connection === null) await this.#change(limit);
    const connection = this.#connection;
    // Not by the library alone: what it is asked in the moment in which its connection ends, it would wait for until the time is up.
    let lose: (() => void) | null = null;
    const lost = new Promise<never>((_done, failed) => {
      lose = () => {
        failed(this.#problem);
      };
      this.#underWay.add(lose);
    });
    try {
      const timeout = Math.max(1, limit.left);
      const asked = connection.request(subject, payload, { timeout, headers: this.#client.headers(headers) });
      return await Promise.race([asked, lost]);
    } catch (error) {
      throw translate(error, this.name, subject);
    } finally {
      if (lose !== null) this.#underWay.delete(lose);
    }
  }

  /** Calls back for each message of the subject, over all connections; answers how to stop. What these may not hear stays silent. */
  onMessage(subject: string, hear: () => void): () => void {
    let stop = this.#connection === null ? null : this.#subscribe(this.#connection, subject, hear);
    const end = this.onState((what) => {
      if (what === "disconnected") stop = null;
      else if (this.#connection !== null) stop = this.#subscribe(this.#connection, subject, hear);
    });
    return () => {
      end();
      stop?.();
    };
  }

  onState(hear: (what: Hint) => void): () => void {
    this.#states.add(hear);
    return () => {
      this.#states.delete(hear);
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#problem = new EngineError("away", `${this.name}: closed`);
    this.#connection = null;
    this.#states.clear();
    this.#dialled?.drop();
    this.#endPause?.();
    this.#changed();
  }

  /** Resolves at the next change of the connection; rejects where waiting is of no use, or has been long enough. */
  async #change(limit: Limit): Promise<void> {
    if (this.#closed || this.#problem.failure === "forbidden") throw this.#problem;
    const change = new Promise<void>((done) => this.#waiting.push(done));
    await limit.wait(change, () => this.#problem.message);
  }

  async #run(): Promise<void> {
    let failed = 0;
    // Each daemon begins with another one of the servers, and goes on in their order.
    for (let next = randomInt(this.#addresses.length); !this.#closed; next++) {
      const address = this.#addresses[next % this.#addresses.length];
      if (address === undefined) return;
      try {
        await this.#once(address, () => (failed = 0));
      } catch (error) {
        failed++;
        this.#lose(translate(error, nameOf(address), null), "cannot reach");
      }
      // All the servers are tried before the first pause.
      if (failed > 0 && failed < this.#addresses.length) continue;
      await this.#wait(Math.max(0, failed - this.#addresses.length));
    }
  }

  /** One connection, to its end. */
  async #once(address: EngineAddress, isUp: () => void): Promise<void> {
    const dialled = await this.#client.dial(address);
    this.#dialled = dialled;
    if (this.#closed) dialled.drop();
    const connection = await dialled.connected;
    if (this.#closed) return;
    isUp();
    this.#connection = connection;
    this.#say(`the fleet's engine ${nameOf(address)} is connected`);
    this.#changed();
    this.#tell("connected");
    void watch(connection, dialled, this.#options.log);
    const why = await connection.closed();
    const text = why instanceof Error ? why.message : "the connection was closed";
    if (!this.#closed) this.#lose(new EngineError("away", `${nameOf(address)}: ${text}`), "lost");
  }

  #lose(problem: EngineError, what: string): void {
    if (this.#closed) return;
    const was = this.#connection !== null;
    this.#connection = null;
    this.#problem = problem;
    this.#say(`the fleet's engine: ${what} ${problem.message}`);
    this.#changed();
    if (was) this.#tell("disconnected");
  }

  async #wait(round: number): Promise<void> {
    if (this.#closed) return;
    const longest = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(round, 10));
    await new Promise<void>((done) => {
      const timer = setTimeout(done, randomInt(longest / 2, longest + 1));
      this.#endPause = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.#endPause = null;
  }

  #subscribe(connection: NatsConnectionImpl, subject: string, hear: () => void): () => void {
    const subscription = connection.subscribe(subject, {
      callback: (error) => {
        if (error === null) hear();
        else
          this.#say(
            `the fleet's engine: ${isRefusal(error) ? `these credentials may not hear ${subject}` : error.message}`,
          );
      },
    });
    return () => {
      if (!connection.isClosed()) subscription.unsubscribe();
    };
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const told of waiting) told();
    if (this.#connection === null) for (const lose of [...this.#underWay]) lose();
  }

  #tell(what: Hint): void {
    for (const hear of [...this.#states]) hear(what);
  }

  /** Not again and again while nothing changes. */
  #say(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    this.#options.log(text);
  }
}

/** The library would wait until it has written before it gives a dead connection up: here that is done at once. */
async function watch(
  connection: NatsConnectionImpl,
  dialled: Dialled,
  log: (text: string) => void,
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type !== "staleConnection") continue;
    log("the fleet's engine does not answer any more");
    dialled.drop();
  }
}
