/**
 * The way to an engine: one connection, made again and again for as long as it is open, and calls over it, each with an end. A
 * connection has a life of its own: what was asked over one that ended is never sent over the next.
 */
import { randomInt } from "node:crypto";
import { EngineError, type EngineOptions, type Hint } from "../contract/engine.js";
import { nameOf, parseAddress, type EngineAddress } from "./address.js";
import { Limit } from "./limit.js";

export interface Dialled<Connection> {
  /** Resolves as soon as the server has taken us in; rejects, or never settles, after `drop`. */
  readonly connected: Promise<Connection>;
  /** Ends it at once, connected or not, and leaves no socket and no timer. */
  readonly drop: () => void;
}

/** What an adapter knows of its kind of connection. */
export interface Client<Connection> {
  readonly dial: (address: EngineAddress) => Promise<Dialled<Connection>>;
  /** Resolves with the reason when a connection has ended. */
  readonly ended: (connection: Connection, dialled: Dialled<Connection>) => Promise<string>;
  /** What went wrong, in the words of the contract; `about` is what it was about, for people. */
  readonly translate: (error: unknown, engine: string, about: string | null) => EngineError;
}

/** Pauses between attempts: half of it to all of it, so that a thousand daemons do not come back in one moment. */
const PAUSE_FIRST_MS = 250;
const PAUSE_MAX_MS = 2_000;

export class Way<Connection> {
  readonly name: string;
  readonly #options: EngineOptions;
  readonly #client: Client<Connection>;
  readonly #addresses: readonly EngineAddress[];
  #connection: Connection | null = null;
  #dialled: Dialled<Connection> | null = null;
  #closed = false;
  /** Why there is no connection. */
  #problem: EngineError;
  #said = "";
  readonly #states = new Set<(what: Hint) => void>();
  /** Told of the next change: a connection, a refusal, the close. */
  #waiting: (() => void)[] = [];
  #endPause: (() => void) | null = null;
  /** How to end each call that has no answer yet. */
  readonly #underWay = new Set<() => void>();

  constructor(options: EngineOptions, client: Client<Connection>) {
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

  /** A limit for one call of the engine. */
  limit(): Limit {
    return new Limit(this.#options.now);
  }

  /** What `ask` answers over the connection. Rejects with an `EngineError`; it is not asked at all where there was no connection in time. */
  async call<T>(ask: (connection: Connection) => Promise<T>, limit: Limit, about: string | null): Promise<T> {
    while (this.#connection === null) await this.#change(limit);
    const connection = this.#connection;
    // A library may wait until the time is up for what it is asked in the moment in which its connection ends.
    let lose = (): void => undefined;
    const lost = new Promise<never>((_done, failed) => {
      lose = () => {
        failed(this.#problem);
      };
    });
    this.#underWay.add(lose);
    try {
      return await Promise.race([ask(connection), lost]);
    } catch (error) {
      throw this.#client.translate(error, this.name, about);
    } finally {
      this.#underWay.delete(lose);
    }
  }

  /** Begins something on each connection, now and later, such as a subscription; answers how to end it. */
  onEach(begin: (connection: Connection) => () => void): () => void {
    let end = this.#connection === null ? null : begin(this.#connection);
    const stop = this.onState((what) => {
      if (what === "disconnected") end = null;
      else if (this.#connection !== null) end = begin(this.#connection);
    });
    return () => {
      stop();
      end?.();
    };
  }

  onState(hear: (what: Hint) => void): () => void {
    this.#states.add(hear);
    return () => {
      this.#states.delete(hear);
    };
  }

  /** For the log, and not again and again while nothing changes. */
  say(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    this.#options.log(text);
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
        this.#lose(this.#client.translate(error, nameOf(address), null), "cannot reach");
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
    if (this.#closed) {
      dialled.drop();
      return;
    }
    isUp();
    this.#connection = connection;
    this.say(`the fleet's engine ${nameOf(address)} is connected`);
    this.#changed();
    this.#tell("connected");
    const why = await this.#client.ended(connection, dialled);
    this.#lose(new EngineError("away", `${nameOf(address)}: ${why}`), "lost");
  }

  #lose(problem: EngineError, what: string): void {
    if (this.#closed) return;
    const was = this.#connection !== null;
    this.#connection = null;
    this.#problem = problem;
    this.say(`the fleet's engine: ${what} ${problem.message}`);
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

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const told of waiting) told();
    if (this.#connection === null) for (const lose of [...this.#underWay]) lose();
  }

  #tell(what: Hint): void {
    for (const hear of [...this.#states]) hear(what);
  }
}
